SELECT nr.usp_modifier_article(:adding)
