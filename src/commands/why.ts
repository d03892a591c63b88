// roomkin why: the last observations of the daemon, each with the rule that decided on its name. Without a daemon it reads the
// journal.
import { RoomkinError } from '../base/errors.js';
import type { ExplainedObservation } from '../journal/journal.js';
import { explain } from '../journal/journal.js';
import type { CommandIo } from './command.js';
import { ask, openGallery, openJournal } from './parts.js';
import { qualityText, wrap } from './rows.js';
import type { Given } from './verbs.js';

export async function run({ last }: Given<'why'>, io: CommandIo): Promise<void> {
  const observations = await lastObservations(last, io);
  if (observations.length === 0) io.out('There is no observation of a face in the period that the journal covers.');
  for (const observation of observations) for (const line of observationLines(observation, io.columns)) io.out(line);
  io.document({ looks: observations });
}

async function lastObservations(last: number, io: CommandIo): Promise<readonly ExplainedObservation[]> {
  try {
    return await ask<readonly ExplainedObservation[]>(io, { verb: 'why', last });
  } catch (error) {
    if (!(error instanceof RoomkinError) || error.code !== 'DAEMON_NOT_RUNNING') throw error;
    const observations = await journalObservations(last, io);
    if (observations === null) throw error;
    io.log('notice', 'the daemon is not running: these are the last observations in its journal');
    return observations;
  }
}

/** null where the journal is empty, or this user may not read it. */
async function journalObservations(last: number, io: CommandIo): Promise<readonly ExplainedObservation[] | null> {
  try {
    using journal = await openJournal(io);
    const entries = journal?.recent(last) ?? [];
    if (entries.length === 0) return null;
    using gallery = openGallery(io);
    const names = new Map(gallery.people().map(({ id, name }) => [id, name]));
    return entries.map((entry) => explain(entry, names));
  } catch (error) {
    if (error instanceof RoomkinError) return null;
    throw error;
  }
}

/** One observation as three or more lines: its number and time, what was measured, and the decision with its rule. */
export function observationLines(observation: ExplainedObservation, columns: number): string[] {
  const { id, at, track } = observation;
  const time = new Date(at).toLocaleTimeString('en-GB');
  const header = `observation ${id}  ${time}${track === null ? '' : `  track ${track}`}`;
  const width = Math.max(20, columns - indent.length);
  const body = [...wrap(qualityText(observation), width), ...wrap(decision(observation), width)];
  return [header, ...body.map((line) => `${indent}${line}`)];
}

const indent = '    ';

/** `Ada: similarity 0.71 reaches 0.55 (Ada 0.710, then Ben 0.300, margin 0.410)`. */
function decision({ name, state, rule, best, second, margin }: ExplainedObservation): string {
  const nearest = [best, second].flatMap((person) =>
    person ? [`${person.name} ${person.similarity.toFixed(3)}`] : [],
  );
  const lead = margin === null ? '' : `, margin ${margin.toFixed(3)}`;
  const figures = nearest.length === 0 ? '' : ` (${nearest.join(', then ')}${lead})`;
  return `${name ?? (state === 'stranger' ? 'an unknown person' : 'no name')}: ${rule}${figures}`;
}
