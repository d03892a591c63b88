// A household in memory: rooms with real stores and the real synchronisation, and a broker that can repeat whatever it carried. Only the
// clock is simulated.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import { silentLog } from '../../src/base/log.js';
import type { SharedListener } from '../../src/mqtt/household-transport.js';
import {
  createHouseholdSeal,
  firstKey,
  formerSeals,
  type HouseholdKey,
  joinedKey,
  keyText,
  parseKeyText,
  rotatedKey,
} from '../../src/sharing/key.js';
import { leaveAtBroker } from '../../src/sharing/leaving.js';
import { createSharedPeople, type SharedPeople } from '../../src/sharing/people.js';
import { roomsName } from '../../src/sharing/rooms.js';
import { createGallerySharing, type GallerySharingOptions, unreadEpochs } from '../../src/sharing/sync.js';
import type { Store } from '../../src/store/store.js';
import { content } from './house.js';
import { enrolMadeUp, madeUpTemplate, openTestStore, space } from './household.js';

export type Step =
  | {
      readonly type: 'enrol' | 'forget' | 'photo' | 'aside' | 'correct';
      readonly room: number;
      readonly person: number;
    }
  | { readonly type: 'on' | 'off' | 'join' | 'rotate' | 'leave'; readonly room: number }
  /** The broker repeats a message: to one room, or to all and as what it retains. */
  | { readonly type: 'replay'; readonly room: number; readonly message: number; readonly retained: boolean }
  | { readonly type: 'wait'; readonly seconds: number };

const people = ['Ada', 'Ben', 'Cleo', 'Dora'] as const;
const roomIds = ['attic', 'hall', 'kitchen', 'loft'] as const;

/** Lets everything run that is due. */
const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function wait(seconds: number): Promise<void> {
  for (let i = 0; i < seconds * 2; i += 1) {
    mock.timers.tick(500);
    await flush();
  }
}

interface Client {
  readonly listener: SharedListener;
}

class MemoryBroker {
  readonly retained = new Map<string, Buffer>();
  /** Every message that was ever sent. */
  readonly history: (readonly [name: string, sealed: Buffer])[] = [];
  readonly #clients = new Set<Client>();

  /** The part of the publisher that sharing uses, for one connection. */
  connection(): GallerySharingOptions['publisher'] & { connect(): void; cut(): void } {
    let client: Client | null = null;
    const isOpen = (): boolean => client !== null && this.#clients.has(client);
    return {
      onShared: (listener) => {
        client = { listener };
      },
      connect: () => {
        if (client === null) return;
        this.#clients.add(client);
        client.listener.connected();
        for (const [name, sealed] of this.retained) client.listener.message(name, sealed);
      },
      cut: () => {
        if (client !== null) this.#clients.delete(client);
      },
      share: async (name, payload) => {
        if (!isOpen()) return false;
        this.publish(name, Buffer.from(payload), client);
        return true;
      },
      sendToRooms: (sealed) => {
        if (!isOpen()) return;
        this.history.push([roomsName, Buffer.from(sealed)]);
        this.#deliver(roomsName, Buffer.from(sealed), client);
      },
      status: () => ({ connected: isOpen() }) as ReturnType<GallerySharingOptions['publisher']['status']>,
    };
  }

  publish(name: string, sealed: Buffer, from: Client | null = null): void {
    if (sealed.length > 0) this.history.push([name, sealed]);
    if (sealed.length > 0) this.retained.set(name, sealed);
    else this.retained.delete(name);
    this.#deliver(name, sealed, from);
  }

  #deliver(name: string, sealed: Buffer, from: Client | null): void {
    for (const client of this.#clients)
      if (client !== from) queueMicrotask(() => this.#clients.has(client) && this.pass(client.listener, name, sealed));
  }

  pass(listener: SharedListener, name: string, sealed: Buffer): void {
    if (name === roomsName) listener.fromRoom(sealed);
    else listener.message(name, sealed);
  }
}

class SimulatedRoom {
  readonly folder = mkdtempSync(join(process.env['ROOMKIN_TMP'] ?? tmpdir(), 'roomkin-history-'));
  readonly store: Store;
  key: HouseholdKey | null = null;
  listener: SharedListener | null = null;
  #running: { stop(): void; changed(): void } | null = null;

  constructor(
    readonly id: string,
    readonly broker: MemoryBroker,
    clockMs: number,
  ) {
    this.store = openTestStore(this.folder, { wallMs: () => clockMs });
  }

  get isOn(): boolean {
    return this.#running !== null;
  }

  people(key: HouseholdKey): SharedPeople {
    const household = createHouseholdSeal(key, 'home');
    return createSharedPeople(this.store.connection, { household, room: this.id, dimensions: new Map([[space, 192]]) });
  }

  /** What the daemon does with this key. */
  start(): void {
    if (this.key === null || this.isOn) return;
    const { key } = this;
    const connection = this.#connection();
    const sharing = createGallerySharing({
      people: this.people(key),
      household: createHouseholdSeal(key, 'home'),
      former: formerSeals(key, 'home'),
      unread: unreadEpochs(this.store),
      room: this.id,
      isKeyPresent: () => this.key === key,
      publisher: connection,
      // The daemon notices every change of its gallery.
      onReceived: () => sharing.changed(),
      log: silentLog,
    });
    this.#running = {
      changed: sharing.changed,
      stop() {
        sharing[Symbol.dispose]();
        connection.cut();
      },
    };
    connection.connect();
  }

  stop(): void {
    this.#running?.stop();
    this.#running = null;
    this.listener = null;
  }

  changed(): void {
    this.#running?.changed();
  }

  rotate(): HouseholdKey {
    const before = this.key!;
    const key = rotatedKey(before);
    unreadEpochs(this.store).add(createHouseholdSeal(before, 'home'));
    this.#take(key);
    return key;
  }

  join(word: string): void {
    const incoming = parseKeyText(word)!;
    if (this.key?.secret.equals(incoming.secret)) return;
    this.#take(this.key === null ? incoming : joinedKey(this.key, incoming));
  }

  async leave(): Promise<void> {
    const key = this.key!;
    await wait(6);
    this.stop();
    this.key = null;
    this.people(key).leave();
    const connection = this.#connection();
    using _leaving = leaveAtBroker({
      household: createHouseholdSeal(key, 'home'),
      former: formerSeals(key, 'home'),
      room: this.id,
      publisher: connection,
      onDone() {},
    });
    connection.connect();
    await wait(3);
    connection.cut();
    this.listener = null;
  }

  close(): void {
    this.stop();
    this.store.close();
    rmSync(this.folder, { recursive: true });
  }

  #take(key: HouseholdKey): void {
    const wasOn = this.isOn;
    this.stop();
    this.key = key;
    if (wasOn) this.start();
  }

  #connection(): ReturnType<MemoryBroker['connection']> {
    const connection = this.broker.connection();
    return {
      ...connection,
      onShared: (listener) => {
        this.listener = listener;
        connection.onShared(listener);
      },
    };
  }
}

/** What the rooms of the household owe to their users, whatever happened. */
class Expectations {
  readonly #enrolled = new Set<string>();
  readonly #forgotten = new Set<string>();
  /** People of whom either outcome is right: enrolled again after they were forgotten, or forgotten before anybody knew them. */
  readonly #open = new Set<string>();

  enrolled(id: string): void {
    if (this.#forgotten.has(id)) this.#open.add(id);
    this.#enrolled.add(id);
  }

  /** `isShared`: the room has shared this person. */
  forgotten(id: string, isShared: boolean, isMember: boolean, isElsewhere: boolean): void {
    if (isShared) this.#forgotten.add(id);
    else if (isMember || !isElsewhere) this.#open.add(id);
  }

  /** What is wrong with the people of a room; null if nothing is. */
  fault(present: readonly string[]): string | null {
    for (const id of this.#enrolled) {
      if (this.#open.has(id)) continue;
      if (this.#forgotten.has(id) && present.includes(id)) return `${id} was forgotten and came back`;
      if (!this.#forgotten.has(id) && !present.includes(id)) return `${id} was never forgotten and is lost`;
    }
    return null;
  }
}

/**
 * Plays a history. `isSettled`: it starts with three rooms that share two people, otherwise with a key in one room. In the end every room takes the present key and is on. Returns what is wrong then; null if nothing is.
 */
export async function play(steps: readonly Step[], isSettled: boolean): Promise<string | null> {
  mock.timers.enable({ apis: ['setTimeout'] });
  const broker = new MemoryBroker();
  // Clocks differ by years: an order that used them would be wrong.
  const rooms = roomIds.map((id, i) => new SimulatedRoom(id, broker, Date.UTC(2020 + 3 * i)));
  const expectations = new Expectations();
  let present = firstKey(Buffer.alloc(32, 7));
  rooms[2]!.key = present;
  const isMember = ({ key }: SimulatedRoom): boolean => key?.secret.equals(present.secret) === true;
  try {
    if (isSettled) await settle();
    for (const [count, step] of steps.entries()) {
      await apply(step, count);
      await flush();
    }
    for (const room of rooms) room.join(keyText(present));
    for (const room of rooms) room.start();
    await wait(30);
    const before = fault();
    if (before !== null) return before;
    for (const [name, sealed] of [...broker.history])
      broker.publish(name === roomsName ? 'f'.repeat(32) : name, sealed);
    await wait(30);
    return fault() ?? leftAtBroker();
  } finally {
    for (const room of rooms) room.close();
    mock.timers.reset();
  }

  async function settle(): Promise<void> {
    for (const person of [0, 1]) changePerson({ type: 'enrol', room: 2, person }, rooms[2]!, 0);
    for (const room of rooms.slice(0, 3)) room.join(keyText(present));
    for (const room of rooms.slice(0, 3)) room.start();
    await wait(10);
  }

  async function apply(step: Step, count: number): Promise<void> {
    if (step.type === 'wait') return wait(step.seconds);
    const room = rooms[step.room % rooms.length]!;
    if (step.type === 'on') room.start();
    else if (step.type === 'off') room.stop();
    else if (step.type === 'join') room.join(keyText(present));
    else if (step.type === 'rotate') {
      if (isMember(room)) present = room.rotate();
    } else if (step.type === 'leave') {
      // What only the leaving room knows must have reached another: nobody else could remember it.
      const remains = rooms.some((other) => other !== room && other.isOn && isMember(other));
      if (remains && room.isOn && isMember(room)) await room.leave();
    } else if (step.type === 'replay') replay(step, room);
    else if ('person' in step) changePerson(step, room, count);
    room.changed();
  }

  function replay(step: Extract<Step, { type: 'replay' }>, room: SimulatedRoom): void {
    const [name, sealed] = broker.history[step.message % Math.max(1, broker.history.length)] ?? [];
    if (name === undefined || sealed === undefined) return;
    if (step.retained && name !== roomsName) broker.publish(name, sealed);
    else if (room.listener !== null && room.isOn) broker.pass(room.listener, name, sealed);
  }

  function changePerson(step: Extract<Step, { person: number }>, room: SimulatedRoom, count: number): void {
    const { store } = room;
    const name = people[step.person % people.length]!;
    const id = name.toLowerCase();
    const stored = store.people().find((person) => person.id === id);
    if (step.type === 'enrol') {
      if (stored !== undefined) return;
      enrolMadeUp(store, name, 1);
      expectations.enrolled(id);
    } else if (stored === undefined) return;
    else if (step.type === 'forget') {
      const tag = createHouseholdSeal(present, 'home').tagOf(id);
      const isShared = room.key !== null && room.people(room.key).tags().get(tag)?.stamp.forgotten === false;
      const isElsewhere = rooms.some(
        (other) => other !== room && other.store.people().some((person) => person.id === id),
      );
      store.forget(id);
      expectations.forgotten(id, isShared, room.key !== null, isElsewhere);
    } else
      store.change((changes) => {
        if (step.type === 'photo') changes.addTemplate(id, madeUpTemplate(`photo ${count}`));
        if (step.type === 'aside' && stored.templates.filter(({ setAsideAtMs }) => setAsideAtMs === null).length > 1)
          changes.disable([stored.templates[0]!.id]);
        if (step.type === 'correct') changes.addNegativeTemplate(id, madeUpTemplate(`not ${count}`));
      });
  }

  function fault(): string | null {
    const [first, ...others] = rooms.map((room) => JSON.stringify(content(room)));
    if (others.some((other) => other !== first)) return `the rooms differ: ${rooms.map(describe).join('; ')}`;
    return expectations.fault(rooms[0]!.store.people().map(({ id }) => id));
  }

  function describe({ id, store }: SimulatedRoom): string {
    return `${id}: ${store
      .people()
      .map((person) => `${person.id} ${person.templates.length}`)
      .join(', ')}`;
  }

  /** Messages of earlier epochs that a room could open, and did not delete. */
  function leftAtBroker(): string | null {
    const seals = rooms.flatMap(({ key }) => formerSeals(key!, 'home'));
    const left = [...broker.retained].filter(([name, sealed]) =>
      seals.some((seal) => seal.open(name, sealed) !== null),
    );
    return left.length === 0 ? null : `${left.length} messages of an old key are left at the broker`;
  }
}
