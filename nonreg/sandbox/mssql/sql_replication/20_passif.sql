-- What a copy must not keep of the active node: its site, and the users of its accounts. Run in the passive database.
UPDATE n
SET sit_code = s.sit_code, nod_confirme = NULL
FROM cfg.noeud n
JOIN ref.site s ON s.sit_role = 'PASSIF';
GO
DROP USER nr_reader;
DROP USER nr_writer;
GO
CREATE USER nr_reader_passif FOR LOGIN nr_reader_passif;
CREATE USER nr_writer_passif FOR LOGIN nr_writer_passif;
GO
