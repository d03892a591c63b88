// roomkin show: what is stored about one person.
import type { ReportAnswer } from '../reports/reports.js';
import type { CommandIo } from './command.js';
import { reportOf } from './daemon.js';
import { count, qualityText, wrap } from './rows.js';
import type { Given } from './verbs.js';

export async function run({ name: wanted }: Given<'show'>, io: CommandIo): Promise<void> {
  const report = await reportOf(io, 'show', { name: wanted });
  const { person, name, since, templates, corrections } = report;
  const inUse = templates.filter(({ setAside }) => setAside === null).length;
  const disabled = inUse === templates.length ? '' : `, ${templates.length - inUse} disabled`;
  io.out(`${name} (${person}), enrolled ${since.slice(0, 10)}, ${count(inUse, 'photo')} in use${disabled}:`);
  const width = Math.max(...templates.map((template) => String(template.id).length));
  for (const template of templates) {
    const number = String(template.id).padStart(width);
    wrap(describe(template), Math.max(40, io.textColumns - width - 4)).forEach((line, i) => {
      io.out(`  ${i === 0 ? number : ' '.repeat(width)}  ${line}`);
    });
  }
  const { is, not } = corrections;
  if (is + not > 0)
    io.out(`Corrections: ${is} with --is ${name}, ${not} with --not ${name}; see roomkin correct --list`);
  io.document(report);
}

function describe(template: ReportAnswer<'show'>['templates'][number]): string {
  const { quality, since, space, setAside, correction, usable, file } = template;
  return [
    ...(file === null ? [] : [file]),
    `${since.slice(0, 10)}  ${qualityText(quality)}`,
    ...(setAside === null ? [] : [`disabled ${setAside.slice(0, 10)}`]),
    ...(correction === null ? [] : [`from the camera (correction ${correction})`]),
    ...(usable ? [] : [`of another model (${space})`]),
  ].join(', ');
}
