// Asks the running daemon for a report. Apart from client.ts, because `roomkin status` must not load what the reports import.
import { fail } from '../base/errors.js';
import { type ReportAnswer, type ReportGiven, type ReportName, reports } from '../reports/reports.js';
import { anotherVersion, errorIn, isDisconnection, linesOf, parseAnswer, send } from './client.js';
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
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silentMs);
  try {
    const response = await send(place, lineOf(name, given), AbortSignal.any([signal, silence.signal]));
    for await (const line of linesOf(response, maxLineLength)) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silentMs);
      const message = parseAnswer(line) as { type?: unknown; text?: unknown; result?: unknown };
      if (message.type === 'progress') onProgress(String(message.text));
      else if (message.type === 'error') throw errorIn(message);
      else if (message.type === 'result') return checked(name, message.result);
    }
    throw anotherVersion();
  } catch (error) {
    signal.throwIfAborted();
    if (!silence.signal.aborted && !isDisconnection(error)) throw error;
    const why = silence.signal.aborted ? `nothing came within ${silentMs / 1000} s` : 'it closed the connection';
    throw fail('DAEMON_NOT_RUNNING', `the daemon did not answer: ${why} (journalctl -u roomkin says more)`, error);
  } finally {
    clearTimeout(timer);
  }
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
  if (!success) throw anotherVersion(error);
  return answer as ReportAnswer<N>;
}
