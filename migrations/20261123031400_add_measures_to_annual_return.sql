-- Formulas of elsewhere measure small enterprises by electricity, and large ones by water and by what they discharge.

alter table annual_return
    add column electricity_kwh double precision,
    add column water_m3 double precision,
    add column cod_t double precision,
    add constraint annual_return_measures_are_finite check (
        staff_local < 'Infinity' and electricity_kwh < 'Infinity' and water_m3 < 'Infinity' and cod_t < 'Infinity');
comment on column annual_return.electricity_kwh is 'Electricity used (用电量), kWh.';
comment on column annual_return.water_m3 is 'Water used (用水量), m3.';
comment on column annual_return.cod_t is 'Chemical oxygen demand of what is discharged (化学需氧量), t.';

alter table stage_annual_return
    add column electricity_kwh double precision,
    add column water_m3 double precision,
    add column cod_t double precision;
comment on column stage_annual_return.electricity_kwh is 'electricity_kwh of annual_return, as the file has it.';
comment on column stage_annual_return.water_m3 is 'water_m3 of annual_return, as the file has it.';
comment on column stage_annual_return.cod_t is 'cod_t of annual_return, as the file has it.';
