// When somebody leaves: the number "Leave after" is the value that acts.
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { startAedes } from '../helpers/brokers.js';
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
