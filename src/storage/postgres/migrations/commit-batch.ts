/**
 * The compare-and-set on leases, with which every commit begins: a writer that does not own all of them, at the positions
 * that it says, changes nothing. Leases are locked in the order of the argument: the caller sorts it, so that two writers
 * cannot lock each other out.
 */
export const advanceLeases = `
create function advance_leases(
  by_worker text, lease_name text[], lease_epoch bigint[], pos_before bigint[], pos_after bigint[]
) returns void language plpgsql as $$
begin
  for i in 1 .. cardinality(lease_name) loop
    update lease set pos = pos_after[i]
      where name = lease_name[i] and worker = by_worker and epoch = lease_epoch[i]
        and pos = pos_before[i];
    if not found then
      raise exception 'the lease % has another owner or position', lease_name[i]
        using errcode = 'GH001';
    end if;
  end loop;
end $$`;

/**
 * One batch of the journal in one call.
 *
 * Returns the numbers of the new jobs, in their order. A row with `job` = -k belongs to the k-th new job.
 */
export const commitBatch = `
create function commit_batch(
  by_worker text, lease_name text[], lease_epoch bigint[], pos_before bigint[], pos_after bigint[],
  new_id text[], new_part smallint[], new_user text[], new_channel text[],
  new_conversation text[], new_message text[], new_input text[], new_created bigint[],
  head_job bigint[], head_version integer[], head_state text[], head_outcome text[],
  head_reply text[], head_n integer[], head_seq integer[], head_snapshot text[],
  head_wake bigint[], head_updated bigint[], head_ended bigint[],
  row_job bigint[], row_part smallint[], row_pos bigint[], row_n integer[],
  row_at bigint[], row_event text[], row_value text[], row_state text[], row_seq integer[],
  row_events integer[], row_emitted text[],
  key_key text[], key_job text[], key_at bigint[]
) returns bigint[] language plpgsql as $$
declare
  nums bigint[] := '{}';
begin
  perform advance_leases(by_worker, lease_name, lease_epoch, pos_before, pos_after);
  if cardinality(new_id) > 0 then
    nums := array(select nextval('job_num') from generate_series(1, cardinality(new_id)));
    insert into job (num, id, part, user_id, channel, conversation, message, input, created_at,
        machine_version, state, outcome, reply, n, seq, snapshot, wake_at, updated_at, ended_at)
      select nums[new.k], new.id, new.part, new.user_id, new.channel, new.conversation,
        new.message, new.input, new.created_at, head.version, head.state, head.outcome,
        head.reply, head.n, head.seq, head.snapshot, head.wake_at, head.updated_at, head.ended_at
      from unnest(new_id, new_part, new_user, new_channel, new_conversation, new_message,
          new_input, new_created) with ordinality
        as new (id, part, user_id, channel, conversation, message, input, created_at, k)
      join unnest(head_job, head_version, head_state, head_outcome, head_reply, head_n, head_seq,
          head_snapshot, head_wake, head_updated, head_ended)
        as head (job, version, state, outcome, reply, n, seq, snapshot, wake_at, updated_at,
          ended_at) on head.job = -new.k;
  end if;
  if cardinality(head_job) > cardinality(new_id) then
    update job set machine_version = head.version, state = head.state, outcome = head.outcome,
        reply = head.reply, n = head.n, seq = head.seq, snapshot = head.snapshot,
        wake_at = head.wake_at, updated_at = head.updated_at, ended_at = head.ended_at
      from unnest(head_job, head_version, head_state, head_outcome, head_reply, head_n, head_seq,
          head_snapshot, head_wake, head_updated, head_ended)
        as head (job, version, state, outcome, reply, n, seq, snapshot, wake_at, updated_at,
          ended_at)
      where job.num = head.job;
  end if;
  insert into journal (job, part, pos, n, at, event, value, state, seq, events, emitted)
    select case when line.job < 0 then nums[-line.job] else line.job end, line.part, line.pos,
      line.n, line.at, line.event, line.value, line.state, line.seq, line.events,
      line.emitted
    from unnest(row_job, row_part, row_pos, row_n, row_at, row_event, row_value,
        row_state, row_seq, row_events, row_emitted)
      as line (job, part, pos, n, at, event, value, state, seq, events, emitted);
  if cardinality(key_key) > 0 then
    insert into submission (key, job_id, at) select * from unnest(key_key, key_job, key_at);
  end if;
  return nums;
end $$`;
