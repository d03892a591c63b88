// roomkin why: the last faces the daemon looked at, and the rule that gave each its name or kept it from one.
import { parseArgs } from 'node:util';
import { fail } from '../base/errors.js';
import { askDaemon } from '../service/control-client.js';
import { type FaceLook, maxLooks } from '../service/control-protocol.js';
import type { Command } from './command.js';
import { daemonPlace } from './daemon-place.js';
import { wrap } from './rows.js';

const defaultLast = 10;

export const command: Command = {
  usage: 'why [--last N]',
  summary: 'Explain the last faces: best names, margin, deciding rule.',
  async run(argv, io) {
    const last = parseLast(argv);
    const looks = await askDaemon<readonly FaceLook[]>(daemonPlace(io.config()), { verb: 'why', last });
    if (looks.length === 0) io.out('No face was looked at since the daemon started.');
    for (const look of looks) for (const line of lookLines(look, io.columns)) io.out(line);
    io.document({ looks });
  },
};

function parseLast(argv: readonly string[]): number {
  let text: string | undefined;
  try {
    text = parseArgs({ args: [...argv], options: { last: { type: 'string' } }, strict: true }).values.last;
  } catch (cause) {
    throw fail('USAGE', `${(cause as Error).message.split('. ')[0]}: roomkin ${command.usage}`, cause);
  }
  if (text === undefined) return defaultLast;
  const last = Number(text);
  if (!/^\d{1,4}$/.test(text) || last < 1 || last > maxLooks)
    throw fail('USAGE', `--last takes a number from 1 to ${maxLooks}`);
  return last;
}

/** One look as two or more lines: what was seen, then why it was decided so. */
export function lookLines(look: FaceLook, columns: number): string[] {
  const time = new Date(look.at).toLocaleTimeString('en-GB');
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
  const decided = `${look.name ?? 'no name'}: ${look.rule}${names ? ` (${names}${margin})` : ''}`;
  return [`${time}  ${seen}`, ...wrap(decided, Math.max(20, columns - 10)).map((line) => `          ${line}`)];
}
