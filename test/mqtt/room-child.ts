// A room in a process of its own, for tests that kill it: `room-child.js URL [4|5]`. Ada is in it. Prints `ready` once connected.
import { here, roomPublisher } from './room.js';

const [url = '', version = '5'] = process.argv.slice(2);
const publisher = roomPublisher(url, { mqtt: { protocol: version === '4' ? 4 : 5 } });
publisher.start();
publisher.people([{ id: 'ada', name: 'Ada' }]);
publisher.camera(true);
publisher.state(here('ada'));
const timer = setInterval(() => {
  if (!publisher.status().connected) return;
  clearInterval(timer);
  process.stdout.write('ready\n');
  setInterval(() => {}, 60_000);
}, 20);
