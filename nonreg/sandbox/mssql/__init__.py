"""Stand-in of the application's database in T-SQL: the same model and procedures as the embedded platform's."""
