// roomkin show: what is kept about one person.
import type { TemplateRecord } from '../store/store.js';
import type { CommandIo } from './command.js';
import { configuredSpace, openGallery } from './parts.js';
import { wrap } from './rows.js';
import type { Given } from './verbs.js';

export async function run({ name: asked }: Given<'show'>, io: CommandIo): Promise<void> {
  const space = configuredSpace(io);
  using store = openGallery(io);
  const { id, name, createdAtMs, templates } = store.find(asked);
  const since = iso(createdAtMs);
  const inUse = templates.filter(({ setAsideAtMs }) => setAsideAtMs === null).length;
  const aside = inUse === templates.length ? '' : `, ${templates.length - inUse} set aside`;
  io.out(`${name} (${id}), enrolled ${since.slice(0, 10)}, ${inUse} looks${aside}:`);
  const width = Math.max(...templates.map((template) => String(template.id).length));
  for (const template of templates) {
    const number = String(template.id).padStart(width);
    wrap(describe(template, space), Math.max(40, Math.min(io.columns, 80) - width - 4)).forEach((line, i) => {
      io.out(`  ${i === 0 ? number : ' '.repeat(width)}  ${line}`);
    });
  }
  const corrections = store.corrections().filter(({ person }) => person === id);
  const looks = corrections.filter(({ template }) => template !== null).length;
  if (corrections.length > 0)
    io.out(`${looks} looks said to be ${name}, ${corrections.length - looks} not to be: roomkin correct --list`);
  io.document({
    person: id,
    name,
    since,
    templates: templates.map(({ id: number, space: ofSpace, quality, createdAtMs: at, setAsideAtMs, correction }) => ({
      id: number,
      space: ofSpace,
      quality,
      since: iso(at),
      setAside: setAsideAtMs === null ? null : iso(setAsideAtMs),
      correction,
    })),
    corrections: { is: looks, not: corrections.length - looks },
  });
}

function describe({ quality, createdAtMs, space, setAsideAtMs, correction }: TemplateRecord, ours: string): string {
  return [
    `${iso(createdAtMs).slice(0, 10)}  eyes ${Math.round(quality.eyesPx)} px`,
    `turned ${Math.round(quality.yawDegrees)} aside ${Math.round(quality.pitchDegrees)} up`,
    `sharpness ${quality.sharpness.toFixed(2)}`,
    `light ${quality.light.toFixed(2)}`,
    ...(setAsideAtMs === null ? [] : [`set aside ${iso(setAsideAtMs).slice(0, 10)}`]),
    ...(correction === null ? [] : [`from the camera (correction ${correction})`]),
    ...(space === ours ? [] : [`of another model (${space})`]),
  ].join(', ');
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
