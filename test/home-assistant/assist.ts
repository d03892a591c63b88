// Assist answers where somebody is and who is in a room, in each language of examples/custom_sentences.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Publisher } from '../../src/mqtt/publisher.js';
import type { PresenceSnapshot } from '../../src/presence/presence.js';
import { here } from '../mqtt/room.js';
import type { HomeAssistant } from './harness.js';
import type { Step } from './steps.js';

const where = {
  en: 'Where is Ada?',
  de: 'Wo ist Ada?',
  fr: 'Où est Ada ?',
  nl: 'Waar is Ada?',
  es: '¿Dónde está Ada?',
};
const who = {
  en: 'Who is in the kitchen?',
  de: 'Wer ist im Kitchen?',
  fr: 'Qui est dans la kitchen ?',
  nl: 'Wie is er in de kitchen?',
  es: '¿Quién está en la kitchen?',
};
type Language = keyof typeof where;
const languages = Object.keys(where) as Language[];

/** Steps in a house whose `room` is the kitchen, where Ada and Grace are enrolled. */
export function assistSteps(ha: HomeAssistant, room: Publisher, empty: () => PresenceSnapshot): readonly Step[] {
  async function answers(question: Readonly<Record<Language, string>>, expected: Readonly<Record<Language, string>>) {
    for (const language of languages) {
      const answer = await ha.ask(question[language], language);
      if (answer.trim() !== expected[language])
        throw new Error(`${language}: '${answer}' instead of '${expected[language]}' to '${question[language]}'`);
    }
  }
  return [
    [
      'Assist says in five languages where a person is and who is in a room',
      async () => {
        room.state(here('ada', 'grace'));
        await ha.expect({ entities: { 'sensor.household_home_grace': { state: 'Kitchen' } } });
        await answers(where, {
          en: 'Ada is in the room Kitchen.',
          de: 'Ada ist im Raum Kitchen.',
          fr: 'Ada est dans la pièce Kitchen.',
          nl: 'Ada is in de kamer Kitchen.',
          es: 'Ada está en la habitación Kitchen.',
        });
        await answers(who, {
          en: 'In the room Kitchen: Ada and Grace.',
          de: 'Im Raum Kitchen: Ada und Grace.',
          fr: 'Dans la pièce Kitchen : Ada et Grace.',
          nl: 'In de kamer Kitchen: Ada en Grace.',
          es: 'En la habitación Kitchen: Ada y Grace.',
        });
        room.state({ ...here('ada'), strangers: 2 });
        await ha.expect({ entities: { 'sensor.household_home_grace': { state: 'away' } } });
        const answer = await ha.ask(who.en, 'en');
        if (answer.trim() !== 'In the room Kitchen: Ada and 2 unknown people.') throw new Error(answer);
      },
    ],
    [
      'Assist says in five languages that a person is away and a room is empty',
      async () => {
        room.state(empty());
        await ha.expect({ entities: { 'sensor.household_home_ada': { state: 'away' } } });
        await answers(where, {
          en: 'Ada is in none of the rooms.',
          de: 'Ada ist in keinem der Räume.',
          fr: "Ada n'est dans aucune des pièces.",
          nl: 'Ada is in geen van de kamers.',
          es: 'Ada no está en ninguna de las habitaciones.',
        });
        await answers(who, {
          en: 'Nobody is in the room Kitchen.',
          de: 'Im Raum Kitchen ist niemand.',
          fr: "Il n'y a personne dans la pièce Kitchen.",
          nl: 'Er is niemand in de kamer Kitchen.',
          es: 'No hay nadie en la habitación Kitchen.',
        });
      },
    ],
    [
      'Assist says in five languages that it does not know: a paused room, a name, a room',
      async () => {
        room.state(here('ada'));
        await ha.expect({ entities: { 'sensor.household_home_ada': { state: 'Kitchen' } } });
        room.state(null);
        await ha.expect({
          entities: {
            'sensor.household_home_ada': { state: 'unknown' },
            'binary_sensor.kitchen_presence_occupancy': { state: 'unknown' },
          },
        });
        await answers(where, {
          en: 'I do not know where Ada is at the moment.',
          de: 'Ich weiß gerade nicht, wo Ada ist.',
          fr: 'Je ne sais pas où est Ada en ce moment.',
          nl: 'Ik weet op dit moment niet waar Ada is.',
          es: 'En este momento no sé dónde está Ada.',
        });
        await answers(who, {
          en: 'The room Kitchen is not watched at the moment.',
          de: 'Der Raum Kitchen wird gerade nicht beobachtet.',
          fr: "La pièce Kitchen n'est pas observée en ce moment.",
          nl: 'De kamer Kitchen wordt op dit moment niet bekeken.',
          es: 'En este momento no se observa la habitación Kitchen.',
        });
        const instead = (questions: typeof where, old: string, next: string) =>
          Object.fromEntries(
            languages.map((language) => [language, questions[language].replace(old, next)]),
          ) as typeof where;
        await answers(instead(where, 'Ada', 'Bob'), {
          en: 'I do not know anybody called Bob.',
          de: 'Ich kenne niemanden mit dem Namen Bob.',
          fr: 'Je ne connais personne du nom de Bob.',
          nl: 'Ik ken niemand met de naam Bob.',
          es: 'No conozco a nadie que se llame Bob.',
        });
        for (const language of languages) {
          const answer = await ha.ask(who[language].toLowerCase().replace('kitchen', 'cellar'), language);
          if (!/cellar/.test(answer)) throw new Error(`${language}: ${answer}`);
        }
        await sleep(100);
        await ha.expect({});
      },
    ],
  ];
}
