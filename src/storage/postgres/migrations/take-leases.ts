/**
 * Takes leases from their owners, whatever these do: a commit of an earlier owner is refused from then on. Left out are leases
 * of a newer machine, and leases that another worker took first: `epochs`, if given, are those that the caller has read. A
 * worker that is marked gone takes none. The history of a lease says up to which position each owner has written it.
 */
export const takeLeases = `
create function take_leases(by_worker text, by_version integer, names text[], epochs bigint[])
returns table (lease_name text, lease_epoch bigint, lease_pos bigint) language plpgsql as $$
begin
  perform from worker where id = by_worker and not gone for share;
  if not found then
    raise exception 'the worker % is marked gone', by_worker using errcode = 'GH001';
  end if;
  for i in 1 .. cardinality(names) loop
    update lease set worker = by_worker, epoch = epoch + 1, machine_version = by_version
      where name = names[i] and machine_version <= by_version
        and (epochs is null or epoch = epochs[i])
      returning name, epoch, pos into lease_name, lease_epoch, lease_pos;
    if found then
      insert into lease_history (name, epoch, worker, pos_from)
        values (lease_name, lease_epoch, by_worker, lease_pos);
      return next;
    end if;
  end loop;
end $$`;
