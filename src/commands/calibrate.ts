// roomkin calibrate: the thresholds of each person under the configured budget of wrong names, and the expected FNIR. The daemon
// calibrates by itself after every change of the gallery; this verb shows the result.
import { padTo, shortened } from '../base/width.js';
import type { PersonCalibration } from '../gallery/calibration.js';
import type { ReportAnswer } from '../reports/reports.js';
import type { CommandIo } from './command.js';
import { reportOf } from './daemon.js';
import { scoreLines } from './drawing.js';
import { count, wrapItem } from './rows.js';

export async function run(_: object, io: CommandIo): Promise<void> {
  const report = await reportOf(io, 'calibrate', {});
  io.document(report);
  for (const line of table(report)) io.out(line);
  const fixed = report.fixed ? ['The configuration sets recognition.threshold, so it is used for everybody.'] : [];
  for (const sentence of [...fixed, ...report.advice])
    for (const line of wrapItem(sentence, io.textColumns)) io.out(line);
  for (const line of scoreLines(report.scores, { columns: io.textColumns, blocks: io.blocks })) io.out(line);
}

function table({ people, budget, cohort }: ReportAnswer<'calibrate'>): string[] {
  if (people.length === 0) return ['Nobody is enrolled: roomkin enrol NAME --photos PATH...'];
  const { wrongNamesPerMonth, strangersPerDay } = budget;
  return [
    `Budget: ${count(wrongNamesPerMonth, 'wrong name')} a month, with ${strangersPerDay} unknown people a day.`,
    `Compared with ${cohort.shipped} faces of unknown people${cohort.own > 0 ? ` and ${cohort.own} of your own` : ''}.`,
    row('person', 'photos', 'single', 'track', 'FNIR', 'closest person'),
    ...people.map((person) =>
      row(
        person.name,
        String(person.templates),
        person.single.toFixed(2),
        person.pooled.toFixed(2),
        expectedFnir(person),
        person.closest === null ? '-' : `${person.closest.similarity.toFixed(2)} ${person.closest.name}`,
      ),
    ),
    'single, track: similarity that one observation and a track need for the name.',
    'FNIR: expected share of good observations, and of tracks of 5, without the',
    'name; ~ estimated from other people, because there are too few photos.',
  ];
}

/** At most 80 columns, however long the names are. */
function row(name: string, photos: string, single: string, track: string, fnir: string, closest: string): string {
  const cells = [
    padTo(shortened(name, 18), 18),
    photos.padStart(6),
    single.padStart(6),
    track.padStart(5),
    fnir.padStart(15),
  ];
  return `${cells.join('  ')}  ${shortened(closest, 20)}`.trimEnd();
}

function expectedFnir({ fnir: { observations, tracks, own } }: PersonCalibration): string {
  return `${own ? '' : '~'}${percent(observations)} / ${percent(tracks)} %`;
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}
