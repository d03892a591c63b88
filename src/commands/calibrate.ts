// roomkin calibrate: what each person needs for a name under the configured budget of wrong names, and what that costs. The
// daemon does the same by itself after every change of the gallery; this shows it.
import { type Calibrator, createCalibrator, recognitionOptions } from '../config/parts.js';
import type { Calibration, PersonCalibration } from '../gallery/calibration.js';
import { calibrationAdvice } from '../gallery/calibration-advice.js';
import type { CommandIo } from './command.js';
import { configuredSpace, openGallery } from './parts.js';
import { count, wrap } from './rows.js';

export async function run(_: object, io: CommandIo): Promise<void> {
  const config = io.config();
  const options = recognitionOptions(config);
  const space = configuredSpace(io);
  const calibrator = createCalibrator(config, space, options);
  using store = openGallery(io);
  const gallery = store.gallery(space);
  const calibration = calibrator.calibration(gallery);
  const advice = calibrationAdvice(gallery, calibration);
  const { budget, cohort } = calibrator;
  io.document({
    space,
    budget,
    cohort: { shipped: cohort, own: gallery.cohort.length },
    single: { threshold: options.single.threshold, margin: options.single.margin },
    pooled: { threshold: options.pooled.threshold, margin: options.pooled.margin },
    ...calibration,
    advice,
  });
  for (const line of table(calibration, calibrator, gallery.cohort.length)) io.out(line);
  const columns = Math.min(io.columns, 80);
  if (config.recognition.threshold !== null) say(io, 'recognition.threshold of the configuration stands.', columns);
  for (const sentence of advice) say(io, sentence, columns);
}

function say(io: CommandIo, sentence: string, columns: number): void {
  wrap(`- ${sentence}`, columns - 2).forEach((line, i) => {
    io.out(i === 0 ? line : `  ${line}`);
  });
}

function table({ people }: Calibration, { budget, cohort }: Calibrator, own: number): string[] {
  if (people.length === 0) return ['Nobody is enrolled: roomkin enrol NAME --photos PATH...'];
  return [
    `${count(budget.wrongNamesPerMonth, 'wrong name')} a month, ${count(budget.strangersPerDay, 'stranger')} a day; ` +
      `judged by ${cohort} strangers${own > 0 ? ` and ${own} of your own` : ''}`,
    row('person', 'photos', 'look', 'track', 'missed', 'closest other person'),
    ...people.map((one) =>
      row(
        one.name,
        String(one.templates),
        one.single.toFixed(2),
        one.pooled.toFixed(2),
        missed(one),
        one.closest === null ? '-' : `${one.closest.similarity.toFixed(2)} ${one.closest.name}`,
      ),
    ),
    'look, track: similarity that one look and a track need; missed: expected share',
    'of good looks and of tracks of five; ~ from other people, photos are too few',
  ];
}

/** 80 columns at most, whatever the names. */
function row(name: string, photos: string, look: string, track: string, misses: string, closest: string): string {
  const cells = [
    cut(name, 19).padEnd(19),
    photos.padStart(6),
    look.padStart(5),
    track.padStart(5),
    misses.padStart(15),
  ];
  return `${cells.join('  ')}  ${cut(closest, 20)}`.trimEnd();
}

function cut(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`;
}

function missed({ fnir: { observations: looks, tracks, own } }: PersonCalibration): string {
  return `${own ? '' : '~'}${percent(looks)} / ${percent(tracks)} %`;
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}
