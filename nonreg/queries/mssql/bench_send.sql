EXEC tampon.usp_inserer
    @p_station = :station, @p_grandeur = :kind, @p_horodatage = :at, @p_valeur = :value, @p_source = :source,
    @p_site = 'BANC', @p_dedoublonner = 0
