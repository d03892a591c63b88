// roomkin replay: re-evaluates the observations of the last day with the present gallery and thresholds, and shows which decisions
// change. It changes nothing.
import type { ReportAnswer } from '../reports/reports.js';
import type { CommandIo } from './command.js';
import { reportOf } from './daemon.js';
import { count, wrap } from './rows.js';
import type { Given } from './verbs.js';

type Replay = ReportAnswer<'replay'>;

export async function run({ since }: Given<'replay'>, io: CommandIo): Promise<void> {
  const report = await reportOf(io, 'replay', { since: since.ms });
  io.document(report);
  for (const change of report.changes) for (const line of changeLines(change, io.columns)) io.out(line);
  for (const line of wrap(summary(report, since.text), io.textColumns)) io.out(line);
}

function changeLines(change: Replay['changes'][number], columns: number): string[] {
  const { at, track, looks: observations, before, after } = change;
  const head = `${new Date(at).toLocaleTimeString('en-GB')}  `;
  const text =
    `track ${track}, ${count(observations, 'observation')}: was ${outcomeText(before)}, ` +
    `now ${outcomeText(after)}: ${after.rule}`;
  const lines = wrap(text, Math.max(20, Math.min(columns, 80) - head.length));
  return lines.map((line, i) => `${i === 0 ? head : ' '.repeat(head.length)}${line}`);
}

function outcomeText({ name, state }: Replay['changes'][number]['before']): string {
  return name ?? (state === 'stranger' ? 'an unknown person' : 'nobody');
}

function summary({ tracks, unchanged, leftOut, span }: Replay, since: string): string {
  if (span === null) return `There is no observation of the last ${since}, so there is nothing to replay.`;
  const time = (at: string): string => new Date(at).toLocaleTimeString('en-GB', { timeStyle: 'short' });
  const changed = tracks - unchanged;
  const outcome = changed === 0 ? 'no decision changes' : `${changed} would be decided differently, ${unchanged} not`;
  const skipped = leftOut === 0 ? '' : ` ${leftOut} began earlier and ${leftOut === 1 ? 'is' : 'are'} left out.`;
  return `${count(tracks, 'track')} from ${time(span.from)} to ${time(span.to)}: ${outcome}.${skipped}`;
}
