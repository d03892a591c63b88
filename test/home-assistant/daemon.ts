// `npm run test:ha`: end to end. The real daemon with real models, a real gallery and a scripted camera process, a real Home
// Assistant, and the command line.
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { createQuantiles } from '../../src/base/stats.js';
import { listenTo, waitFor } from '../helpers/brokers.js';
import { runCli, spawnCli } from '../helpers/cli.js';
import { addLight, secureProtocol, startHomeAssistant } from './harness.js';
import { makeHousehold } from './household.js';
import { runSteps, skipWithoutHomeAssistant } from './steps.js';

skipWithoutHomeAssistant();
t.setTimeout(900_000);

const ha = await startHomeAssistant([join(packageRoot, 'test', 'home-assistant', 'house.yaml')], ['lamp/#']);
const listener = await listenTo(ha.mqttUrl);
await addLight(listener, 'kitchen');
await ha.useBlueprints([
  {
    name: 'last_one_leaves',
    blueprint: 'last-one-leaves',
    input: { rooms: ['binary_sensor.kitchen_presence_occupancy'], lights: ['light.kitchen'] },
  },
]);
t.comment(`Home Assistant ${ha.version}, logs in ${ha.folder}`);
const house = await makeHousehold(ha.login('kitchen'));
let daemon: ChildProcess | null = null;

const occupancy = 'binary_sensor.kitchen_presence_occupancy';
const leaveAfter = 'number.kitchen_presence_leave_after';
const recognition = 'switch.kitchen_presence_recognition';
const [ada, grace] = ['binary_sensor.kitchen_presence_ada', 'binary_sensor.kitchen_presence_grace'];

function startDaemon(): void {
  const child = spawnCli(['run', '--config', house.config], house.env);
  child.stdout?.resume();
  child.stderr?.setEncoding('utf8').on('data', (text: string) => t.comment(text.trim()));
  daemon = child;
}

async function endDaemon(signal: NodeJS.Signals): Promise<void> {
  const child = daemon;
  daemon = null;
  if (child === null || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

async function roomkin(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli([...args, '--config', house.config], house.env);
  if (code !== 0) throw new Error(`${args.join(' ')}: exit ${code}: ${stderr}`);
  return stdout;
}

/** Whether the camera process that wrote its id last is running. */
function cameraRuns(): boolean {
  if (!existsSync(house.cameraPid)) return false;
  try {
    process.kill(Number(readFileSync(house.cameraPid, 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}

/** Milliseconds until `entity` is `state` in Home Assistant. */
async function until(entity: string, state: string, timeoutMs = 15_000): Promise<number> {
  const began = performance.now();
  await waitFor(
    async () => (await ha.state(entity)) === state,
    timeoutMs,
    () => `${entity} did not become ${state}`,
  );
  return performance.now() - began;
}

await runSteps([
  [
    'an empty room without enrolled people is reported as empty',
    async () => {
      startDaemon();
      await ha.expect({ timeout: 30, entities: { [occupancy]: { state: 'off' }, [recognition]: { state: 'on' } } });
    },
  ],
  [
    'people who are enrolled while the daemon runs appear',
    async () => {
      await roomkin('enrol', '--from', house.photos);
      await ha.expect({ timeout: 3, entities: { [ada]: { state: 'off' }, [grace]: { state: 'off' } } });
    },
  ],
  [
    'the name appears in Home Assistant soon after the face appears in front of the camera',
    async () => {
      const delays = createQuantiles();
      for (let round = 0; round < 10; round += 1) {
        await sleep(300 + 137 * (round % 3)); // not synchronous with the frames
        house.show('ada');
        delays.add(await until(ada, 'on'));
        house.show('empty');
        await until(ada, 'off');
      }
      const p95 = delays.at(0.95);
      t.comment(`p50 ${delays.at(0.5)?.toFixed()} ms, p95 ${p95?.toFixed()} ms of ${delays.count}`);
      // On a busy machine the delay depends more on the load than on roomkin.
      const busy = loadavg()[0]! > 1.5 * availableParallelism();
      const limitMs = busy ? 5_000 : 1_500;
      t.comment(`limit ${limitMs} ms${busy ? '; this machine is busy' : ''}`);
      if (p95 === null || p95 > limitMs) throw new Error(`p95 is ${p95} ms`);
    },
  ],
  [
    'two people meet; an unknown person comes',
    async () => {
      house.show('adaAndGrace');
      await ha.expect({
        entities: {
          [ada]: { state: 'on' },
          [grace]: { state: 'on' },
          'sensor.kitchen_presence_people': { state: '2' },
        },
      });
      house.show('adaAndStranger');
      await ha.expect({
        timeout: 15,
        entities: {
          [ada]: { state: 'on' },
          [grace]: { state: 'off' },
          'sensor.kitchen_presence_person': { attributes: { people: ['ada'], strangers: 1 } },
          'image.kitchen_presence_last_stranger': { state: { $set: true }, image: { content_type: 'image/jpeg' } },
          'event.kitchen_presence_presence': { attributes: { event_type: { $in: ['stranger_arrived', 'left'] } } },
        },
      });
    },
  ],
  [
    'the privacy switch ends the camera process, and its position survives a restart',
    async () => {
      if (!cameraRuns()) throw new Error('there is no camera process to end');
      await ha.call('switch.turn_off', { entity_id: recognition });
      await ha.expect({
        entities: { [recognition]: { state: 'off' }, [ada]: { state: 'unknown' } },
      });
      await waitFor(
        () => !cameraRuns(),
        5_000,
        () => 'the camera process still runs',
      );
      const { recognition: position } = JSON.parse(await roomkin('status', '--json')) as { recognition: string };
      if (position !== 'off') throw new Error(`status reports ${position}`);
      await endDaemon('SIGTERM');
      startDaemon();
      await ha.expect({ timeout: 20, after: 3, entities: { [recognition]: { state: 'off' } } });
      if (cameraRuns()) throw new Error('the camera runs although the switch is off');
      await ha.call('switch.turn_on', { entity_id: recognition });
      await ha.expect({ timeout: 15, entities: { [recognition]: { state: 'on' }, [ada]: { state: 'on' } } });
    },
  ],
  [
    'a forgotten person disappears from Home Assistant',
    async () => {
      await roomkin('forget', 'Grace', '--yes');
      await ha.expect({ timeout: 3, entities: { [grace]: null, [ada]: { state: 'on' } } });
    },
  ],
  [
    'a renamed person keeps the entity',
    async () => {
      await roomkin('rename', 'Ada', 'Ada Lovelace');
      await ha.expect({
        timeout: 3,
        entities: { [ada]: { state: 'on', attributes: { friendly_name: { $regex: 'Ada Lovelace$' } } } },
      });
    },
  ],
  [
    'a killed daemon leaves no stale state',
    async () => {
      await endDaemon('SIGKILL');
      await ha.expect({ entities: { [occupancy]: { state: 'unavailable' }, [recognition]: { state: 'unavailable' } } });
      house.show('empty');
      startDaemon();
      await ha.expect({ timeout: 30, entities: { [occupancy]: { state: 'off' }, [ada]: { state: 'off' } } });
    },
  ],
  [
    '"Leave after" in Home Assistant is the time that acts',
    async () => {
      for (const seconds of [2, 5, 20]) {
        await ha.call('number.set_value', { entity_id: leaveAfter, value: seconds });
        await ha.expect({ entities: { [leaveAfter]: { state: { $in: [`${seconds}`, `${seconds}.0`] } } } });
        house.show('ada');
        await until(ada, 'on');
        await sleep(2000);
        house.show('empty');
        const tookMs = await until(ada, 'off', 40_000);
        t.comment(`${seconds} s: off after ${(tookMs / 1000).toFixed(1)} s`);
        if (Math.abs(tookMs / 1000 - seconds) > 1.5) throw new Error(`${seconds} s took ${tookMs} ms`);
      }
    },
  ],
  [
    'a restart neither reports a second arrival nor misses that the last one left',
    async () => {
      house.show('ada');
      await until(ada, 'on');
      await ha.call('light.turn_on', { entity_id: 'light.kitchen' });
      const before = listener.of('room/kitchen/person').length;
      const changes = (): string[] =>
        listener
          .of('room/kitchen/person')
          .slice(before)
          .map((text) => JSON.parse(text).event_type);
      // Over MQTT 3.1.1 nobody knows how long ago a killed daemon ended, so who sits there arrives again.
      const signals = secureProtocol === 4 ? (['SIGTERM'] as const) : (['SIGTERM', 'SIGKILL'] as const);
      for (const signal of signals) {
        await endDaemon(signal);
        await ha.expect({ entities: { [ada]: { state: 'unavailable' } } });
        startDaemon();
        await ha.expect({ timeout: 30, after: 2, entities: { [ada]: { state: 'on' } } });
      }
      if (changes().length > 0) throw new Error(`a restart gave ${changes().join()}`);
      await ha.expect({ entities: { 'light.kitchen': { state: 'on' } } });
      await endDaemon('SIGTERM');
      house.show('empty');
      startDaemon();
      await ha.expect({ timeout: 30, entities: { [ada]: { state: 'on' } } });
      await ha.expect({ timeout: 40, entities: { [ada]: { state: 'off' }, 'light.kitchen': { state: 'off' } } });
      if (changes().join() !== 'left') throw new Error(`the events were ${changes().join()}`);
    },
  ],
]);
await listener[Symbol.asyncDispose]();
await endDaemon('SIGTERM');
await ha.down();
