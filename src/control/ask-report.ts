// Asks the running daemon for a report. Apart from client.ts, because `roomkin status` must not load what the reports import.
import { type ReportAnswer, type ReportGiven, type ReportName, reports } from '../reports/reports.js';
import { AnotherVersionError, resultOf } from './client.js';
import type { SocketPath } from './path.js';
import type { RequestLine } from './protocol.js';

/** The daemon reports progress several times a second. */
const silentMs = 20_000;
/** Longest line of an answer, characters: a replay of 50,000 observations that all change takes 4 MiB. */
const maxLineLength = 16 << 20;

/**
 * The report `name` of the daemon. Errors: DAEMON_NOT_RUNNING where none answers, the error that it answers with, and an AbortError when
 * `signal` aborts.
 */
export async function askReport<N extends ReportName>(
  place: SocketPath,
  name: N,
  given: ReportGiven<N>,
  { signal, onProgress = () => {} }: { readonly signal: AbortSignal; readonly onProgress?: (text: string) => void },
): Promise<ReportAnswer<N>> {
  const wait = { signal, silentMs, maxLength: maxLineLength, onProgress };
  const answer = await resultOf(place, lineOf(name, given), wait);
  if (answer === null) throw new AnotherVersionError();
  return checked(name, answer.result);
}

function lineOf(name: ReportName, given: object): RequestLine {
  const headers = { accept: 'application/x-ndjson' };
  const { method } = reports[name];
  if (method === 'POST') return { method, path: `/${name}`, headers, body: JSON.stringify(given) };
  const parameters = new URLSearchParams(
    Object.entries(given).map(([key, value]): [string, string] => [key, String(value)]),
  );
  return { method, path: `/${name}${parameters.size === 0 ? '' : `?${parameters}`}`, headers };
}

/** The answer as it was sent, with members that this version does not know. */
function checked<N extends ReportName>(name: N, answer: unknown): ReportAnswer<N> {
  const { success, error } = reports[name].answer.safeParse(answer);
  if (!success) throw new AnotherVersionError(error);
  return answer as ReportAnswer<N>;
}
