// roomkin why: the last faces the daemon looked at, and the rule that gave each its name or kept it from one. Without a daemon it
// reads what the last one kept.
import { RoomkinError } from '../base/errors.js';
import { askDaemon } from '../control/client.js';
import type { ExplainedObservation } from '../journal/journal.js';
import { explain } from '../journal/journal.js';
import type { CommandIo } from './command.js';
import { openJournal } from './journal.js';
import { daemonPlace, openGallery } from './parts.js';
import { wrap } from './rows.js';
import type { Given } from './verbs.js';

export async function run({ last }: Given<'why'>, io: CommandIo): Promise<void> {
  const looks = await lastLooks(last, io);
  if (looks.length === 0) io.out('No face was looked at in the time that looks are kept.');
  for (const look of looks) for (const line of observationLines(look, io.columns)) io.out(line);
  io.document({ looks });
}

async function lastLooks(last: number, io: CommandIo): Promise<readonly ExplainedObservation[]> {
  try {
    return await askDaemon<readonly ExplainedObservation[]>(daemonPlace(io.config()), { verb: 'why', last });
  } catch (error) {
    if (!(error instanceof RoomkinError) || error.code !== 'DAEMON_NOT_RUNNING') throw error;
    const looks = keptLooks(last, io);
    if (looks === null) throw error;
    io.log('notice', 'the daemon does not run: these are the last faces that it kept');
    return looks;
  }
}

/** null where there are none, or this user may not read them. */
function keptLooks(last: number, io: CommandIo): readonly ExplainedObservation[] | null {
  try {
    using kept = openJournal(io);
    const looks = kept?.recent(last) ?? [];
    if (looks.length === 0) return null;
    using gallery = openGallery(io);
    const names = new Map(gallery.people().map(({ id, name }) => [id, name]));
    return looks.map((look) => explain(look, names));
  } catch (error) {
    if (error instanceof RoomkinError) return null;
    throw error;
  }
}

/** One look as two or more lines: its number, what was seen, then why it was decided so. */
export function observationLines(look: ExplainedObservation, columns: number): string[] {
  const head = `${look.id}  ${new Date(look.at).toLocaleTimeString('en-GB')}  `;
  const seen = [
    look.track === null ? 'face' : `track ${look.track}`,
    `eyes ${look.eyesPx.toFixed(0)} px`,
    `sharp ${look.sharpness.toFixed(2)}`,
    `turned ${look.yawDegrees.toFixed(0)}°/${look.pitchDegrees.toFixed(0)}°`,
    `light ${look.light.toFixed(2)}`,
  ].join(', ');
  const score = (entry: { name: string; similarity: number }): string => `${entry.name} ${entry.similarity.toFixed(3)}`;
  const names = [look.best, look.second].flatMap((entry) => (entry ? [score(entry)] : [])).join(', then ');
  const margin = look.margin === null ? '' : `, margin ${look.margin.toFixed(3)}`;
  const decided = `${look.name ?? (look.state === 'stranger' ? 'a stranger' : 'no name')}: ${look.rule}${names ? ` (${names}${margin})` : ''}`;
  const room = Math.max(20, columns - head.length);
  const below = ' '.repeat(head.length);
  return [...wrap(seen, room), ...wrap(decided, room)].map((line, i) => `${i === 0 ? head : below}${line}`);
}
