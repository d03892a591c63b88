// roomkin why: the last observations of the daemon, each with the rule that decided on its name. Without a daemon it reads the
// journal.
import { RoomkinError } from '../base/errors.js';
import type { Config } from '../config/load.js';
import { createCalibrator, recognitionOptions } from '../config/parts.js';
import type { ExplainedObservation } from '../journal/journal.js';
import { explain } from '../journal/journal.js';
import type { CommandIo } from './command.js';
import { ask } from './daemon.js';
import { type Bar, barLines, markOf } from './drawing.js';
import { openJournal } from './journals.js';
import { configuredSpace, openGallery } from './parts.js';
import { qualityText, wrap } from './rows.js';
import type { Given } from './verbs.js';

export async function run({ last }: Given<'why'>, io: CommandIo): Promise<void> {
  const rooms = io.rooms();
  const found: (ExplainedObservation & { readonly room?: string })[] = [];
  for (const config of rooms) {
    const room = rooms.length === 1 ? {} : { room: config.room.id };
    for (const observation of await lastObservations(last, config, io)) found.push({ ...room, ...observation });
  }
  // Those of one room are in order already. The clock may have been set in between.
  const observations =
    rooms.length === 1 ? found : found.sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).slice(-last);
  if (observations.length === 0) io.out('There is no observation of a face in the period that the journal covers.');
  for (const observation of observations) for (const line of observationLines(observation, io.columns)) io.out(line);
  for (const line of comparisonLines(observations, io)) io.out(line);
  io.document({ looks: observations });
}

async function lastObservations(last: number, room: Config, io: CommandIo): Promise<readonly ExplainedObservation[]> {
  try {
    return await ask<readonly ExplainedObservation[]>(io, { verb: 'why', last }, room);
  } catch (error) {
    if (!(error instanceof RoomkinError) || error.code !== 'DAEMON_NOT_RUNNING') throw error;
    const observations = await journalObservations(last, room, io);
    if (observations === null) throw error;
    io.log('notice', 'the daemon is not running: these are the last observations in its journal');
    return observations;
  }
}

/** null where the journal is empty, or this user may not read it. Errors: MODEL_MISSING, MODEL_HASH (thresholds need the cohort). */
async function journalObservations(
  last: number,
  room: Config,
  io: CommandIo,
): Promise<readonly ExplainedObservation[] | null> {
  try {
    using journal = await openJournal(room, io);
    const entries = journal?.recent(last) ?? [];
    if (entries.length === 0) return null;
    using store = openGallery(io);
    const options = recognitionOptions(io.config());
    const space = configuredSpace(io);
    const gallery = createCalibrator(io.config(), space, options).calibrated(store.gallery(space));
    return entries.map((entry) => explain(entry, gallery.people, options));
  } catch (error) {
    if (error instanceof RoomkinError && !error.code.startsWith('MODEL_')) return null;
    throw error;
  }
}

/** The similarity of the nearest people in all observations, after their text and without anything new. */
function comparisonLines(observations: readonly ExplainedObservation[], io: CommandIo): string[] {
  const bars = observations.flatMap(({ id, best, second }): Bar[] =>
    [best, second]
      .filter((person) => person !== null)
      .map(({ name, similarity, threshold }, index) => {
        return { label: index === 0 ? String(id) : '', name, value: similarity, threshold };
      }),
  );
  if (bars.length === 0) return [];
  const style = { columns: io.textColumns, blocks: io.blocks };
  const about = `Observation, nearest people, similarity and the threshold of a track, which ${markOf(style)} marks:`;
  return [...wrap(about, io.textColumns), ...barLines(bars, style)];
}

/** One observation as three or more lines: its number and time, what was measured, and the decision with its rule. */
export function observationLines(
  observation: ExplainedObservation & { readonly room?: string },
  columns: number,
): string[] {
  const { id, at, track, room } = observation;
  const time = new Date(at).toLocaleTimeString('en-GB');
  const header = `${room === undefined ? '' : `${room}, `}observation ${id}  ${time}${track === null ? '' : `  track ${track}`}`;
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
