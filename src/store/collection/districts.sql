select code, name, name_en, geom as geometry from district
