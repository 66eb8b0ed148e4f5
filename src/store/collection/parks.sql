select code as park_code, name, name_en, district, leading_industries, geom as geometry from park
