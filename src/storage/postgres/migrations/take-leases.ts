/**
 * Takes leases from their owners, whatever these do: a commit of an earlier owner is refused from then on. Leases of a
 * newer machine are left out. The history of a lease says up to which position each owner has written it.
 */
export const takeLeases = `
create function take_leases(by_worker text, by_version integer, names text[])
returns table (lease_name text, lease_epoch bigint, lease_pos bigint) language plpgsql as $$
begin
  for i in 1 .. cardinality(names) loop
    update lease set worker = by_worker, epoch = epoch + 1, machine_version = by_version
      where name = names[i] and machine_version <= by_version
      returning name, epoch, pos into lease_name, lease_epoch, lease_pos;
    if found then
      insert into lease_history (name, epoch, worker, pos_from)
        values (lease_name, lease_epoch, by_worker, lease_pos);
      return next;
    end if;
  end loop;
end $$`;
