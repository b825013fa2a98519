SELECT nature, LOWER(CAST(jeton AS varchar(36))) AS jeton, version_app FROM cfg.identite_plateforme
