SELECT COUNT_BIG(*) AS row_count FROM prod.mesure m WHERE m.chr_id <= :last
