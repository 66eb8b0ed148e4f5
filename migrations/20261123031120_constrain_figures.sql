-- No figure of a review is infinite or no number: the importer refuses such, and so does the register itself. NaN comes
-- after Infinity in PostgreSQL's order, so one bound holds off both.
alter table parcel_version add constraint parcel_version_is_finite check (
    area_m2 < 'Infinity' and registered_area_m2 < 'Infinity' and plot_ratio_allowed < 'Infinity');
alter table building add constraint building_is_finite check (
    footprint_m2 < 'Infinity' and floor_area_m2 < 'Infinity' and used_floor_area_m2 < 'Infinity'
    and vacant_floor_area_m2 < 'Infinity' and storey_height_m < 'Infinity');
alter table occupancy add constraint occupancy_is_finite check (floor_area_m2 < 'Infinity');
alter table annual_return add constraint annual_return_is_finite check (
    output_wan_yuan < 'Infinity' and revenue_wan_yuan < 'Infinity' and tax_wan_yuan < 'Infinity'
    and tax_wan_yuan > '-Infinity' and value_added_wan_yuan < 'Infinity' and value_added_wan_yuan > '-Infinity'
    and fixed_assets_wan_yuan < 'Infinity' and energy_tce < 'Infinity' and emissions_t < 'Infinity'
    and rd_wan_yuan < 'Infinity' and staff < 'Infinity');
