SELECT sta_code, cap_id, cap_gradient FROM ref.capteur
WHERE cap_grandeur = 'H' AND cap_gradient < 600 ORDER BY sta_code, cap_id
