select r.enterprise as enterprise_code, r.year::int8 as year, r.output_wan_yuan, r.revenue_wan_yuan, r.tax_wan_yuan,
    r.value_added_wan_yuan, r.fixed_assets_wan_yuan, r.energy_tce, r.emissions_t, r.rd_wan_yuan, r.staff, r.staff_local,
    r.electricity_kwh, r.water_m3, r.cod_t,
    r.veto, r.veto_cleared_on, e.name as name_on_record, null::bytea as shape
from annual_return r
left join enterprise e on e.code = r.enterprise
    and e.recorded @> coalesce($2::timestamptz, 'infinity')
where r.recorded @> coalesce($2::timestamptz, 'infinity')
