// roomkin people: everybody who is enrolled, and whether the configured model can recognise them. With --check it lists photos that
// cause errors; --disable and --enable take photos out of use and back by their numbers.
import { columnsOf, padTo, shortened } from '../base/width.js';
import type { ReportAnswer } from '../reports/reports.js';
import type { CommandIo } from './command.js';
import { reportOf } from './daemon.js';
import { scoreLines } from './drawing.js';
import { count, wrap, wrapItem } from './rows.js';
import { type Given, misused } from './verbs.js';

export async function run(given: Given<'people'>, io: CommandIo): Promise<void> {
  const { check } = given;
  // --set-aside and --put-back are the old names.
  const disable = given.disable || given.setAside;
  const enable = given.enable || given.putBack;
  if ([check, disable, enable].filter(Boolean).length > 1)
    throw misused('people', '--check, --disable and --enable cannot be combined');
  const photos = [...new Set(given.id)];
  if (disable || enable) {
    if (photos.length === 0) throw misused('people', 'an ID is needed');
    return changeUse(photos, disable, io);
  }
  if (photos.length > 0) throw misused('people', '--disable or --enable is needed with an ID');
  if (check) await checkPeople(io);
  else await list(io);
}

async function list(io: CommandIo): Promise<void> {
  const report = await reportOf(io, 'people', {});
  const { people, strangers } = report;
  if (people.length === 0) io.out('Nobody is enrolled: roomkin enrol NAME --photos PATH...');
  const labels = people.map(({ name, person }) => `${shortened(name, 24)} (${person})`);
  const width = Math.max(...labels.map(columnsOf));
  for (const [index, { templates, usable, setAside: disabled, since }] of people.entries()) {
    const photos = usable === templates ? count(usable, 'photo') : `${usable} of ${count(templates, 'photo')} usable`;
    const besides = disabled > 0 ? `, ${disabled} disabled` : '';
    const advice = usable === 0 ? ': enrol again, the model has changed' : '';
    const text = `${photos}${besides}, since ${since.slice(0, 10)}${advice}`;
    const lines = wrap(text, Math.max(20, io.textColumns - width - 2));
    for (const [i, line] of lines.entries()) io.out(`${padTo(i === 0 ? labels[index]! : '', width)}  ${line}`);
  }
  if (strangers > 0) io.out(`In addition ${count(strangers, 'face')} of unknown people, for comparison`);
  io.document(report);
}

// roomkin people --disable and --enable: all photos that were named, or none.

/** Errors: PHOTO_UNKNOWN, PHOTO_NEEDED, DATABASE. */
async function changeUse(ids: number[], disable: boolean, io: CommandIo): Promise<void> {
  const { people, photos, setAside } = await reportOf(io, disable ? 'people/disable' : 'people/enable', { ids });
  for (const { person, name, inUse } of people) {
    const changed = photos.filter((photo) => photo.person === person).map(({ id }) => id);
    const numbers = `${changed.length === 1 ? 'photo' : 'photos'} ${changed.join(', ')}`;
    io.out(`${name}: ${numbers} ${disable ? 'disabled' : 'enabled'}, ${inUse} in use`);
  }
  if (disable) io.out(`  roomkin people --enable ${ids.join(' ')} reverts this`);
  io.document({ setAside, photos });
}

// roomkin people --check: which photos cause errors, why, and what to type.

type Faults = ReportAnswer<'people/check'>['faults'];

/** Errors: CONFIG_*, MODEL_MISSING, DATABASE. */
async function checkPeople(io: CommandIo): Promise<void> {
  const report = await reportOf(io, 'people/check', {});
  const { faults, photos, people, scores } = report;
  io.document(report);
  for (const fault of faults) for (const line of wrapItem(describe(fault), io.textColumns)) io.out(line);
  const checked = `${count(photos, 'photo')} of ${people === 1 ? '1 person' : `${people} people`}`;
  io.out(
    faults.length === 0 ? `${checked}: no problem found` : `${checked}; roomkin show NAME lists a person's photos`,
  );
  if (faults.length > 0) for (const line of advice(faults, io.textColumns)) io.out(line);
  for (const line of scoreLines(scores, { columns: io.textColumns, blocks: io.blocks })) io.out(line);
}

/**
 * The command that disables the photos, broken into lines for the terminal. A photo that two people have is left out: only the
 * user knows whose it is.
 */
function advice(faults: Faults, columns: number): string[] {
  const clear = faults.filter(({ person, other, kind }) => kind !== 'twice' || other === person);
  const ids = clear.length === 0 ? ['ID...'] : clear.map(({ template }) => String(template));
  const command = wrap(`roomkin people --disable ${ids.join(' ')}`, columns - 4);
  return [
    'To stop using them (--enable reverts it):',
    ...command.map((line, i) => `  ${line}${i < command.length - 1 ? ' \\' : ''}`),
  ];
}

function describe(fault: Faults[number]): string {
  const { kind, person, name, template, since, eyesPx, other, otherName, correction, file, otherFile } = fault;
  const photo = `Photo ${template} of ${name} (${file === null ? '' : `${file}, `}${since.slice(0, 10)}, eyes ${Math.round(eyesPx)} px)`;
  const otherTemplate = `${fault.otherTemplate}${otherFile === null ? '' : ` (${otherFile})`}`;
  const alike = `similarity ${fault.similarity.toFixed(2)}`;
  if (kind === 'unlike') return `${photo} does not resemble the others (${alike}): perhaps it shows somebody else`;
  if (kind === 'rejected')
    return `${photo} resembles a face that is not ${name} (${alike}): the photo or correction ${correction} is wrong`;
  if (kind === 'confusable')
    return `${photo} could be taken for ${otherName} (${alike}): replace it by a photo that could not`;
  if (person === other) return `${photo} is enrolled twice, also as photo ${otherTemplate}`;
  return `${photo} is also enrolled as photo ${otherTemplate} of ${otherName}: disable the wrong one`;
}
