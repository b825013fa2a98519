SELECT sit_code, sit_role FROM ref.site ORDER BY sit_code
