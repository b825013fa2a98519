SELECT nr.usp_modifier_article(:adding) AS usp_modifier_article
