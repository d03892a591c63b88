// When somebody leaves: the number "Leave after" is the value that acts, and a restart neither hides nor invents anybody.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { mosquittoPath, startAedes, startMosquitto } from '../helpers/brokers.js';
import { shortFolder } from '../helpers/short-folder.js';
import { type FaultyRoom, faultyRoom, programmedCamera, programmedCameraLines, until, untilAda } from './room.js';

t.setTimeout(600_000);

const isEmpty = (room: FaultyRoom): true | undefined => (room.people()?.length === 0 ? true : undefined);

t.test('"Leave after" 2, 5 and 20 s act as they are shown', async (t) => {
  const folder = shortFolder(t);
  await using broker = await startAedes();
  const camera = programmedCamera(folder);
  await using room = await faultyRoom(folder, broker, undefined, {
    programs: camera.programs,
    camera: programmedCameraLines,
  });
  await camera.film(join(folder, 'frames', '0.jpg'));
  await room.start();
  for (const seconds of [2, 5, 20]) {
    await room.listener.say('room/lab/leave_after/set', String(seconds));
    await until('the value', () => (room.last('leave_after') === String(seconds) ? true : undefined));
    await untilAda(room);
    await wait(3000); // somebody who sits there
    camera.set('empty');
    const [, tookMs] = await until('an empty room', () => isEmpty(room));
    t.comment(`${seconds} s: left after ${(tookMs / 1000).toFixed(2)} s`);
    t.ok(Math.abs(tookMs / 1000 - seconds) <= 1.5, `${seconds} s took ${(tookMs / 1000).toFixed(2)} s`);
    camera.set('frames');
  }
  t.equal(await room.stop(), 0);
});

interface Event {
  readonly event_type: string;
  readonly person: string | null;
}
const events = (room: FaultyRoom): string[] =>
  room.listener.of('room/lab/person').map((text) => {
    const { event_type: type, person } = JSON.parse(text) as Event;
    return `${type} ${person}`;
  });
/** The states since `mark` in which it was known who is there. */
const knownStates = (room: FaultyRoom, mark: number): { people: { name: string; as: string }[] }[] =>
  room.listener
    .of('room/lab/state')
    .slice(mark)
    .map((text) => JSON.parse(text))
    .filter(({ people }) => people !== null);

for (const signal of ['SIGTERM', 'SIGKILL', 'SIGHUP'] as const)
  t.test(
    `a room takes over who was there before a restart (${signal})`,
    // Without MQTT 5 nobody knows how long ago a daemon was killed.
    { skip: signal === 'SIGKILL' && mosquittoPath === null ? 'needs Mosquitto' : false },
    async (t) => {
      const folder = shortFolder(t);
      await using broker = mosquittoPath === null ? await startAedes() : await startMosquitto();
      const camera = programmedCamera(folder);
      await using room = await faultyRoom(folder, broker, undefined, {
        programs: camera.programs,
        camera: programmedCameraLines,
      });
      await camera.film(join(folder, 'frames', '0.jpg'));
      await room.start();
      await untilAda(room);
      await room.listener.say('room/lab/leave_after/set', '15');
      await until('the value', () => (room.last('leave_after') === '15' ? true : undefined));
      const restart = async (meanwhile = async (): Promise<void> => {}): Promise<void> => {
        if (signal === 'SIGHUP') {
          room.daemon.kill(signal);
          await until('the reload', () => (room.last('status') === 'offline' ? true : undefined));
          await meanwhile();
        } else {
          await room.stop(signal);
          await meanwhile();
          await room.start();
        }
      };

      // She sits there all the time.
      t.strictSame(events(room), ['arrived ada']);
      let mark = room.listener.of('room/lab/state').length;
      await restart();
      const isSeen = ({ people }: { people: { name: string; as: string }[] }) => people.some(({ as }) => as === 'seen');
      await until('Ada, seen', () => (knownStates(room, mark).some(isSeen) ? true : undefined));
      await wait(500); // an event comes after its state
      t.strictSame(events(room), ['arrived ada'], 'no second arrival');
      t.ok(
        knownStates(room, mark).every(({ people }) => people.length === 1),
        'the room was never empty',
      );

      // She leaves during the restart.
      mark = room.listener.of('room/lab/state').length;
      await restart(async () => camera.set('empty'));
      const [, leftMs] = await until('her leaving', () => (events(room).includes('left ada') ? true : undefined));
      t.comment(`left ${(leftMs / 1000).toFixed(1)} s after the restart`);
      t.ok(leftMs < 18_000);
      t.match(knownStates(room, mark)[0]?.people, [{ name: 'Ada', as: 'assumed' }]);
      await until('an empty room', () => isEmpty(room));
      t.strictSame(events(room), ['arrived ada', 'left ada']);
      if (signal === 'SIGHUP') return;

      // What is older than the leaving time is not claimed.
      camera.set('frames');
      await until('Ada again', () => (events(room).length === 3 ? true : undefined));
      await room.listener.say('room/lab/leave_after/set', '3');
      await until('the value', () => (room.last('leave_after') === '3' ? true : undefined));
      mark = room.listener.of('room/lab/state').length;
      await restart(async () => {
        camera.set('empty');
        await wait(5000);
      });
      await until('a known state', () => (knownStates(room, mark).length > 0 ? true : undefined));
      await wait(4000);
      t.ok(
        knownStates(room, mark).every(({ people }) => people.length === 0),
        'nobody is claimed',
      );
      t.equal(events(room).length, 3, 'no late event');

      // A pause ends presence, over a restart, too.
      await room.listener.say('room/lab/leave_after/set', '60');
      camera.set('frames');
      await until('Ada again', () => (events(room).length === 4 ? true : undefined));
      await room.listener.say('room/lab/recognition/set', 'OFF');
      await until('OFF', () => (room.last('recognition') === 'OFF' ? true : undefined));
      mark = room.listener.of('room/lab/state').length;
      await restart(async () => camera.set('empty'));
      t.equal((await room.verb('resume')).code, 0);
      await until('a known state', () => (knownStates(room, mark).length > 0 ? true : undefined));
      t.strictSame(knownStates(room, mark)[0]?.people, [], 'nobody is claimed after a pause');
      t.equal(await room.stop(), 0);
    },
  );
