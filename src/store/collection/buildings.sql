select code as building_code, parcel as parcel_code, storeys, storey_height_m, footprint_m2, floor_area_m2,
    used_floor_area_m2, vacant_floor_area_m2, built_year, geom as geometry
from building
where upper_inf(recorded)
