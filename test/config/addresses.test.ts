// Addresses of brokers and cameras as people write and paste them: each is used as it is meant, or refused with the key and the cure.
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connectAsync } from 'mqtt';
import t from 'tap';
import { faultsOf } from '../../src/base/errors.js';
import { readAddress } from '../../src/camera/address.js';
import { parseConfig } from '../../src/config/load.js';
import { brokerName, clientOptions } from '../../src/mqtt/options.js';
import { startAedes } from '../helpers/brokers.js';

/** The value of the key, or the error with its key. */
function read(section: 'mqtt' | 'camera', value: string): string {
  const key = section === 'mqtt' ? 'url' : 'source = "ffmpeg"\ninput';
  try {
    const config = parseConfig(`[room]\nid = "lab"\n[${section}]\n${key} = ${JSON.stringify(value)}\n`, 'c.toml');
    return section === 'mqtt' ? config.mqtt.url : readAddress(config.camera.input!).address;
  } catch (error) {
    return faultsOf(error as Error).join('\n');
  }
}

/** What is written, and what the broker's address is then, or what the refusal says. */
const brokers: readonly (readonly [written: string, meant: string | RegExp])[] = [
  ['mqtt://homeassistant.local:1883', 'mqtt://homeassistant.local:1883'],
  ['mqtt://homeassistant.local', 'mqtt://homeassistant.local:1883'],
  ['mqtts://broker.lan', 'mqtts://broker.lan:8883'],
  ['ws://broker.lan:1884/mqtt?a=b', 'ws://broker.lan:1884/mqtt?a=b'],
  ['wss://broker.lan', 'wss://broker.lan:443'],
  ['wss://broker.lan/', 'wss://broker.lan:443'],
  // IPv6
  ['mqtt://[::1]', 'mqtt://[::1]:1883'],
  ['mqtt://[fe80::1%eth0]:1883', 'mqtt://[fe80::1%eth0]:1883'],
  ['mqtt://[FE80::1%25wlP1p1]:1884', 'mqtt://[fe80::1%wlP1p1]:1884'],
  ['[fd00::2]', 'mqtt://[fd00::2]:1883'],
  ['ws://[fd00::2]:1884', 'ws://[fd00::2]:1884'],
  ['mqtt://[::ffff:192.168.1.5]', 'mqtt://[::ffff:192.168.1.5]:1883'],
  ['mqtt://fe80::1:1883', /in brackets, such as \[fe80::1%eth0\]/],
  ['fe80::1', /in brackets/],
  ['mqtt://[fe80::1%]', /no IPv6 address/],
  ['mqtt://[fe80:::1]', /no IPv6 address/],
  ['mqtt://[192.168.1.5]', /no IPv6 address/],
  ['mqtt://[::1]1883', /a colon and the port may follow/],
  ['mqtt://[::1', /in brackets/],
  ['ws://[fe80::1%eth0]:1884', /zone .*mqtt:\/\/\[fe80::1%eth0\]:1883/],
  // A login
  ['mqtt://ada:secret@host', /mqtt\.username and mqtt\.password_file/],
  ['mqtt://ada:se/c#r?et@host', /mqtt\.username and mqtt\.password_file/],
  ['mqtt://ada:secret%40x@host', /mqtt\.username and mqtt\.password_file/],
  ['ada:secret@host', /mqtt\.username and mqtt\.password_file/],
  ['http://ada:secret@host', /mqtt\.username and mqtt\.password_file/],
  // What is pasted around it
  ['mqtt://host:1883/', 'mqtt://host:1883'],
  [' mqtt://host ', 'mqtt://host:1883'],
  ['\tmqtt://host\n', 'mqtt://host:1883'],
  ['\u00a0mqtt://host\u200b', 'mqtt://host:1883'],
  ['\ufeffmqtt://host', 'mqtt://host:1883'],
  ['"mqtt://host"', 'mqtt://host:1883'],
  ["'mqtt://host'", 'mqtt://host:1883'],
  ['\u201cmqtt://host\u201d', 'mqtt://host:1883'],
  ['<mqtt://host>', 'mqtt://host:1883'],
  [' " mqtt://host " ', 'mqtt://host:1883'],
  ['"mqtt://host', /character/],
  // Schemes
  ['MQTT://Host:1883', 'mqtt://host:1883'],
  ['Mqtts://host', 'mqtts://host:8883'],
  ['homeassistant.local', 'mqtt://homeassistant.local:1883'],
  ['192.168.1.5:1883', 'mqtt://192.168.1.5:1883'],
  ['192.168.1.5', 'mqtt://192.168.1.5:1883'],
  ['192.168.1.5:8883', 'mqtts://192.168.1.5:8883'],
  ['localhost', 'mqtt://localhost:1883'],
  ['core-mosquitto', 'mqtt://core-mosquitto:1883'],
  ['core_mosquitto:1883', 'mqtt://core_mosquitto:1883'],
  ['tcp://host:1883', 'mqtt://host:1883'],
  ['ssl://host', 'mqtts://host:8883'],
  ['http://homeassistant.local:8123', /web pages.*write mqtt:\/\/homeassistant\.local:1883/],
  ['https://x.ui.nabu.casa/', /web pages.*write mqtt:\/\/x\.ui\.nabu\.casa:1883/],
  ['mqtt5://host', /scheme mqtt5:\/\/: write mqtt:\/\/host:1883/],
  ['rtsp://host', /scheme rtsp/],
  ['mqtt:host', /two slashes/],
  ['mqtt:/host', /two slashes/],
  ['mqtt//host', /two slashes/],
  ['//host', /host is missing/],
  // Ports
  ['mqtt://host:', 'mqtt://host:1883'],
  ['mqtt://host:65535', 'mqtt://host:65535'],
  ['mqtt://host:0', /port must be a number from 1 to 65535/],
  ['mqtt://host:70000', /port must be/],
  ['mqtt://host:port', /port must be/],
  ['mqtt://host:18 83', /port must be/],
  ['mqtt://host:-1', /port must be/],
  ['mqtt://host:1883.', /port must be/],
  ['host:1883x', /port must be/],
  // Hosts
  ['mqtt://bücher.example', 'mqtt://xn--bcher-kva.example:1883'],
  ['mqtt://BÜCHER.example', 'mqtt://xn--bcher-kva.example:1883'],
  ['mqtt://例え.テスト:1884', 'mqtt://xn--r8jz45g.xn--zckzah:1884'],
  ['mqtt://broker.lan.', 'mqtt://broker.lan.:1883'],
  ['mqtt://', /host is missing/],
  ['mqtt://:1883', /host is missing/],
  ['mqtt:///x', /host is missing/],
  ['', /is empty: use mqtt:\/\/host:1883/],
  ['  ', /is empty/],
  ['""', /is empty/],
  ['mqtt://192.168.1.300', /four numbers from 0 to 255/],
  ['192.168.1', /four numbers/],
  ['1883', /four numbers/],
  ['mqtt://my host', /character/],
  ['mqtt://host,1883', /character/],
  ['mqtt://a..b', /character/],
  ['mqtt://<host>', /character/],
  ['mqtt://a\u0000b', /character/],
  [`mqtt://${'a'.repeat(64)}.lan`, /too long/],
  [`mqtt://${'a.'.repeat(600)}lan`, /at most 1024/],
  // What follows
  ['mqtt://host:1883/room', /write mqtt:\/\/host:1883/],
  ['mqtt://host?clientId=x', /write mqtt:\/\/host:1883/],
  ['mqtt://host#x', /write mqtt:\/\/host:1883/],
  ['mqtt:\\\\host', /two slashes|character|port/],
  ['ws://host/a#b', /%23/],
  ['ws://host/ä', /encode/],
];

t.test('the address of a broker', async (t) => {
  for (const [written, meant] of brokers) {
    const said = read('mqtt', written);
    if (typeof meant === 'string') {
      t.equal(said, meant, JSON.stringify(written));
      t.equal(read('mqtt', meant), meant, 'the form that is written is read again');
    } else {
      t.match(said, meant, JSON.stringify(written));
      t.match(
        said,
        /^c\.toml:4: mqtt\.url: [^\n]*(use|write|put|encode) [^\n]*$/,
        'one sentence with the key and a cure',
      );
      t.notMatch(said, /secret|se\/c/, 'no password');
      t.ok(said.length < 250, said);
    }
  }
});

const rtsp = 'rtsp://ada:s3cret@';
const cameras: readonly (readonly [written: string, meant: string | RegExp])[] = [
  [`${rtsp}cam.lan:554/live`, `${rtsp}cam.lan:554/live`],
  [`${rtsp}[fe80::1%eth0]:554/live`, `${rtsp}[fe80::1%eth0]:554/live`],
  [`${rtsp}[fe80::1%25eth0]/live`, `${rtsp}[fe80::1%eth0]/live`],
  [`${rtsp}fe80::1/live`, /in brackets/],
  [`${rtsp}[fe80::x]/live`, /no IPv6 address/],
  ['rtsp://ada:a/b#c?d@192.168.1.9/live', 'rtsp://ada:a%2Fb%23c%3Fd@192.168.1.9/live'],
  ['RTSP://Cam.lan/Live', 'rtsp://cam.lan/Live'],
  ['HTTP://cam.lan', 'http://cam.lan'],
  [' rtsp://cam.lan/live\n', 'rtsp://cam.lan/live'],
  ['"rtsp://cam.lan/live"', 'rtsp://cam.lan/live'],
  ['<rtsp://cam.lan/live>', 'rtsp://cam.lan/live'],
  ['\u200brtsp://cam.lan/live/', 'rtsp://cam.lan/live/'],
  ['rtsp://kamera-küche.example/live', 'rtsp://xn--kamera-kche-0hb.example/live'],
  ['http://localhost:8080/?action=stream', 'http://localhost:8080/?action=stream'],
  ['http://cam.local/', 'http://cam.local/'],
  ['udp://@:1234', 'udp://@:1234'],
  [' /dev/video0 ', '/dev/video0'],
  ['clip of 12:30.mp4', 'clip of 12:30.mp4'],
  ['./192.168.1.9', './192.168.1.9'],
  ['192.168.1.9:554/live', /begins with rtsp:\/\/.*\.\//],
  ['192.168.1.9', /begins with rtsp/],
  ['cam.local/live', /begins with rtsp/],
  ['cam:554/live', /begins with rtsp/],
  ['[fe80::1]:554', /begins with rtsp/],
  ['ada:s3cret@cam/live', /begins with rtsp/],
  ['rtsp:/cam/live', /two slashes/],
  ['rtsp:cam/live', /two slashes/],
  ['rtsp//cam/live', /two slashes/],
  ['mqtt://host', /no camera is read from mqtt:\/\/: write/],
  ['ws://cam/live', /no camera is read from ws/],
  ['onvif://cam', /no camera is read from onvif/],
  ['file:///clip.mp4', /write the path of the file/],
  ['rtsp://cam:0/live', /port must be a number from 1 to 65535/],
  ['rtsp://cam:70000/live', /port must be/],
  ['rtsp://cam:port/live', /port must be/],
  [`${rtsp}cam:70000/live`, /port must be/],
  [`${rtsp}cam:0/live`, /port must be/],
  [`${rtsp}cam:port/live`, /port must be/],
  ['udp://@:70000', /host is missing|port must be/],
  ['rtsp://192.168.1.300/live', /four numbers/],
  ['rtsp:///live', /host is missing/],
  ['rtsp://', /host is missing/],
  ['rtsp://my cam/live', /character/],
  ['', /empty/],
  [' ', /empty/],
];

t.test('the address of a camera', async (t) => {
  for (const [written, meant] of cameras) {
    const said = read('camera', written);
    if (typeof meant === 'string') t.equal(said, meant, JSON.stringify(written));
    else {
      t.match(said, meant, JSON.stringify(written));
      t.match(said, /^c\.toml:5: camera\.input: [^\n]*write [^\n]*$/, 'one sentence with the key and a cure');
      t.notMatch(said, /s3cret/, 'no password');
    }
  }
});

t.test('an address of IPv6, with its zone too, reaches the broker', async (t) => {
  await using aedes = await startAedes();
  const server = createServer((near) => {
    const far = connectTcp(aedes.port, '127.0.0.1');
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      end.on('error', () => {});
      end.on('close', () => other.destroy());
      end.pipe(other);
    }
  });
  server.listen(0, '::');
  const isListening = await new Promise<boolean>((resolve) => {
    server.once('listening', () => resolve(true));
    server.once('error', () => resolve(false));
  });
  if (!isListening) return t.comment('skipped: this machine has no IPv6');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const linkLocal = Object.entries(networkInterfaces()).flatMap(([name, entries = []]) =>
    entries.filter(({ address }) => address.startsWith('fe80:')).map(({ address }) => `${address}%${name}`),
  );
  if (linkLocal.length === 0) t.comment('this machine has no link-local address');
  for (const host of ['::1', ...linkLocal.slice(0, 1)]) {
    const { mqtt } = parseConfig(`[room]\nid = "lab"\n[mqtt]\nurl = "mqtt://[${host}]:${port}"\n`, 'c.toml');
    t.equal(brokerName(mqtt), `[${host}]:${port}`);
    const identity = { clientId: 'ada', will: { topic: 'a', payload: 'b' }, willDelaySeconds: 0 };
    const client = await connectAsync({ ...clientOptions(mqtt, 4, identity), reconnectPeriod: 0 });
    t.equal(client.connected, true, host);
    await client.endAsync();
  }
});
