SELECT com_site, com_module, com_version FROM evt.composant ORDER BY 1, 2
