SELECT com_site, com_module, com_version FROM evt.composant ORDER BY com_site, com_module
