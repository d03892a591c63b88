// roomkin show: what is stored about one person.
import type { TemplateRecord } from '../store/store.js';
import type { CommandIo } from './command.js';
import { configuredSpace, openGallery } from './parts.js';
import { count, wrap } from './rows.js';
import type { Given } from './verbs.js';

export async function run({ name: person }: Given<'show'>, io: CommandIo): Promise<void> {
  const space = configuredSpace(io);
  using store = openGallery(io);
  const { id, name, createdAtMs, templates } = store.find(person);
  const since = iso(createdAtMs);
  const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null).length;
  const disabled = inUse === templates.length ? '' : `, ${templates.length - inUse} disabled`;
  io.out(`${name} (${id}), enrolled ${since.slice(0, 10)}, ${count(inUse, 'photo')} in use${disabled}:`);
  const width = Math.max(...templates.map((template) => String(template.id).length));
  for (const template of templates) {
    const number = String(template.id).padStart(width);
    wrap(describe(template, space), Math.max(40, Math.min(io.columns, 80) - width - 4)).forEach((line, i) => {
      io.out(`  ${i === 0 ? number : ' '.repeat(width)}  ${line}`);
    });
  }
  const corrections = store.corrections().filter((correction) => correction.person === id);
  const is = corrections.filter(({ template }) => template !== null).length;
  const not = corrections.length - is;
  if (corrections.length > 0)
    io.out(`Corrections: ${is} with --is ${name}, ${not} with --not ${name}; see roomkin correct --list`);
  io.document({
    person: id,
    name,
    since,
    templates: templates.map((template) => ({
      id: template.id,
      space: template.space,
      quality: template.quality,
      since: iso(template.createdAtMs),
      setAside: template.setAsideAtMs === null ? null : iso(template.setAsideAtMs),
      correction: template.correction,
    })),
    corrections: { is, not },
  });
}

function describe(template: TemplateRecord, configured: string): string {
  const { quality, createdAtMs, space, setAsideAtMs, correction } = template;
  return [
    `${iso(createdAtMs).slice(0, 10)}  eyes ${Math.round(quality.eyesPx)} px apart`,
    `turned ${Math.round(quality.yawDegrees)}° aside, ${Math.round(quality.pitchDegrees)}° up`,
    `sharpness ${quality.sharpness.toFixed(2)}`,
    `light ${quality.light.toFixed(2)}`,
    ...(setAsideAtMs === null ? [] : [`disabled ${iso(setAsideAtMs).slice(0, 10)}`]),
    ...(correction === null ? [] : [`from the camera (correction ${correction})`]),
    ...(space === configured ? [] : [`of another model (${space})`]),
  ].join(', ');
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
