// The broker of Home Assistant: its Supervisor tells an app the address and a login (GET /services/mqtt), if the manifest of the app has
// `services: [mqtt:need]`.
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { fail, oneLine } from '../base/errors.js';
import type { Broker } from './options.js';

/** The Supervisor may be busy while Home Assistant starts. */
const shippedTries = { count: 6, pauseMs: 5_000, timeoutMs: 10_000 };

/** What the Supervisor answers (supervisor/services/modules/mqtt.py). Other keys are ignored. */
const answerSchema = z.object({
  data: z.object({
    host: z.string().min(1),
    port: z.number().int().min(1).max(65535),
    username: z.string().optional(),
    password: z.string().optional(),
    ssl: z.boolean().default(false),
  }),
});

const noBroker =
  'Home Assistant has no broker: install and start the app "Mosquitto broker", then start this app again ' +
  '(Settings > Apps > Install app)';

/** The broker and the login that the Supervisor at `address` gives to the app with `token`. Errors: BROKER. */
export async function brokerOfSupervisor(address: string, token: string, tries = shippedTries): Promise<Broker> {
  for (let left = tries.count - 1; ; left--) {
    const { status, text } = await request(`${address}/services/mqtt`, token, tries.timeoutMs);
    if (status === 200) return brokerOf(text);
    // The Supervisor answers 400 where no app provides the service.
    if (status === 400) throw fail('BROKER', noBroker);
    if (status === 401 || status === 403)
      throw fail(
        'BROKER',
        `the Supervisor refuses the login of the broker (${status}): the manifest needs services: [mqtt:need]`,
      );
    if (left <= 0)
      throw fail(
        'BROKER',
        `the Supervisor does not tell the login of the broker (${status ?? oneLine(text, 200)}): start the app again`,
      );
    await wait(tries.pauseMs);
  }
}

/** `status` is null where nothing answers. */
async function request(
  url: string,
  token: string,
  timeoutMs: number,
): Promise<{ readonly status: number | null; readonly text: string }> {
  try {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const { cause, message } = error as Error;
    return { status: null, text: cause instanceof Error ? cause.message : message };
  }
}

function brokerOf(text: string): Broker {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    answer = null;
  }
  const { success, data } = answerSchema.safeParse(answer);
  // The text is not quoted: it contains the password.
  if (!success) throw fail('BROKER', 'the answer of the Supervisor about the broker cannot be read: report it');
  const { host, port, username, password, ssl } = data.data;
  const url = `${ssl ? 'mqtts' : 'mqtt'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return { url, login: username ? { username, password: password ?? '' } : null };
}
