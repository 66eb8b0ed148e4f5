-- Formats and projections keep coordinates to their last digits but one. A shape that comes back so is the shape that went
-- out, and no new version of it.
create function same_shape(one geometry, other geometry, within_m double precision) returns boolean
language sql immutable parallel safe
as $$
    select case
        when one is null or other is null then one is null and other is null
        when st_npoints(one) <> st_npoints(other) then false
        else (
            select coalesce(bool_and(st_distance(a.geom::geography, b.geom::geography, false) <= within_m), false)
            from st_dumppoints(one) a full join st_dumppoints(other) b on a.path = b.path)
    end
$$;
comment on function same_shape(geometry, geometry, double precision) is 'Whether two shapes have the same corners in the same order, each within so many metres of its fellow; a corner without fellow makes it false.';
