SELECT count(*) AS row_count FROM prod.mesure m WHERE m.chr_id <= :last
