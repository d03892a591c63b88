// Every text of the pages, in the languages of the household: one table. A text that is missing in a language, an unknown text and a
// missing value are errors of the compiler.

export const languages = ['en', 'de', 'fr', 'nl', 'es'] as const;
export type Language = (typeof languages)[number];

type Translated = Readonly<Record<Language, string>>;

const row = <const En extends string>(en: En, de: string, fr: string, nl: string, es: string) => ({
  en,
  de,
  fr,
  nl,
  es,
});

const table = {
  // Both pages.
  noScript: row(
    'This page needs JavaScript.',
    'Diese Seite braucht JavaScript.',
    'Cette page a besoin de JavaScript.',
    'Deze pagina heeft JavaScript nodig.',
    'Esta página necesita JavaScript.',
  ),
  connecting: row('Connecting…', 'Verbinden…', 'Connexion…', 'Verbinden…', 'Conectando…'),
  lost: row(
    'The connection is lost. Trying again…',
    'Die Verbindung ist unterbrochen. Neuer Versuch…',
    'La connexion est perdue. Nouvel essai…',
    'De verbinding is verbroken. Opnieuw proberen…',
    'Se perdió la conexión. Nuevo intento…',
  ),
  ended: row(
    'roomkin does not answer any more. The command has ended, or this phone is not in the same network.',
    'roomkin antwortet nicht mehr. Der Befehl ist beendet, oder dieses Telefon ist nicht im selben Netz.',
    'roomkin ne répond plus. La commande est terminée, ou ce téléphone n’est pas dans le même réseau.',
    'roomkin antwoordt niet meer. De opdracht is beëindigd, of deze telefoon zit niet in hetzelfde netwerk.',
    'roomkin ya no responde. La orden ha terminado, o este teléfono no está en la misma red.',
  ),
  wrongLink: row(
    'This link is not valid any more. Scan the new code in the terminal.',
    'Dieser Link gilt nicht mehr. Scannen Sie den neuen Code im Terminal.',
    'Ce lien n’est plus valable. Scannez le nouveau code dans le terminal.',
    'Deze link is niet meer geldig. Scan de nieuwe code in de terminal.',
    'Este enlace ya no es válido. Escanee el código nuevo del terminal.',
  ),
  noLink: row(
    'The address is not complete. Scan the code in the terminal.',
    'Die Adresse ist nicht vollständig. Scannen Sie den Code im Terminal.',
    'L’adresse n’est pas complète. Scannez le code dans le terminal.',
    'Het adres is niet volledig. Scan de code in de terminal.',
    'La dirección no está completa. Escanee el código del terminal.',
  ),
  otherPhone: row(
    'Another phone uses this page. Only one at a time can.',
    'Ein anderes Telefon benutzt diese Seite. Nur eines zur Zeit kann das.',
    'Un autre téléphone utilise cette page. Un seul à la fois le peut.',
    'Een andere telefoon gebruikt deze pagina. Dat kan er maar één tegelijk.',
    'Otro teléfono usa esta página. Solo puede uno a la vez.',
  ),
  sending: row(
    'Sending photo {number} of {count}…',
    'Foto {number} von {count} wird gesendet…',
    'Envoi de la photo {number} sur {count}…',
    'Foto {number} van {count} wordt verzonden…',
    'Enviando la foto {number} de {count}…',
  ),

  // The page of `enrol --phone`.
  enrolTitle: row(
    'Enrol a person',
    'Eine Person aufnehmen',
    'Enregistrer une personne',
    'Een persoon toevoegen',
    'Registrar a una persona',
  ),
  photosOf: row('Photos of {name}', 'Fotos von {name}', 'Photos de {name}', 'Foto’s van {name}', 'Fotos de {name}'),
  enrolIntro: row(
    'One face on each photo, sharp and in good light. The photos are analysed and then thrown away; nothing is stored but numbers.',
    'Ein Gesicht auf jedem Foto, scharf und in gutem Licht. Die Fotos werden ausgewertet und dann verworfen; gespeichert werden nur Zahlen.',
    'Un visage par photo, net et bien éclairé. Les photos sont analysées puis jetées ; seuls des nombres sont enregistrés.',
    'Eén gezicht op elke foto, scherp en in goed licht. De foto’s worden geanalyseerd en dan weggegooid; alleen getallen worden bewaard.',
    'Una cara en cada foto, nítida y con buena luz. Las fotos se analizan y se descartan; solo se guardan números.',
  ),
  directions: row(
    '{count} of {most} directions',
    '{count} von {most} Richtungen',
    '{count} directions sur {most}',
    '{count} van {most} richtingen',
    '{count} de {most} direcciones',
  ),
  front: row('front', 'vorn', 'face', 'voorkant', 'frente'),
  left: row('left', 'links', 'gauche', 'links', 'izquierda'),
  right: row('right', 'rechts', 'droite', 'rechts', 'derecha'),
  up: row('up', 'oben', 'haut', 'omhoog', 'arriba'),
  down: row('down', 'unten', 'bas', 'omlaag', 'abajo'),
  missing: row('missing', 'fehlt', 'manque', 'ontbreekt', 'falta'),
  askFront: row(
    'Next: a photo from the front, looking into the camera.',
    'Als Nächstes: ein Foto von vorn, mit Blick in die Kamera.',
    'Ensuite : une photo de face, en regardant l’appareil.',
    'Volgende: een foto van voren, kijkend in de camera.',
    'Ahora: una foto de frente, mirando a la cámara.',
  ),
  askLeft: row(
    'Next: turn the head a little to the left.',
    'Als Nächstes: den Kopf etwas nach links drehen.',
    'Ensuite : tourner un peu la tête à gauche.',
    'Volgende: het hoofd een beetje naar links draaien.',
    'Ahora: girar un poco la cabeza a la izquierda.',
  ),
  askRight: row(
    'Next: turn the head a little to the right.',
    'Als Nächstes: den Kopf etwas nach rechts drehen.',
    'Ensuite : tourner un peu la tête à droite.',
    'Volgende: het hoofd een beetje naar rechts draaien.',
    'Ahora: girar un poco la cabeza a la derecha.',
  ),
  askUp: row(
    'Next: lift the chin a little.',
    'Als Nächstes: das Kinn etwas heben.',
    'Ensuite : lever un peu le menton.',
    'Volgende: de kin een beetje optillen.',
    'Ahora: levantar un poco la barbilla.',
  ),
  askDown: row(
    'Next: lower the chin a little.',
    'Als Nächstes: das Kinn etwas senken.',
    'Ensuite : baisser un peu le menton.',
    'Volgende: de kin een beetje laten zakken.',
    'Ahora: bajar un poco la barbilla.',
  ),
  askNothing: row(
    'All directions are there. More photos in other light help.',
    'Alle Richtungen sind da. Mehr Fotos in anderem Licht helfen.',
    'Toutes les directions sont là. D’autres photos dans une autre lumière aident.',
    'Alle richtingen zijn er. Meer foto’s in ander licht helpen.',
    'Están todas las direcciones. Más fotos con otra luz ayudan.',
  ),
  takePhoto: row('Take a photo', 'Foto aufnehmen', 'Prendre une photo', 'Foto maken', 'Hacer una foto'),
  choosePhotos: row('Choose photos', 'Fotos auswählen', 'Choisir des photos', 'Foto’s kiezen', 'Elegir fotos'),
  counts: row(
    'Accepted: {accepted}. Refused: {refused}. Waiting: {waiting}.',
    'Angenommen: {accepted}. Abgelehnt: {refused}. Wartend: {waiting}.',
    'Acceptées : {accepted}. Refusées : {refused}. En attente : {waiting}.',
    'Aanvaard: {accepted}. Geweigerd: {refused}. Wachtend: {waiting}.',
    'Aceptadas: {accepted}. Rechazadas: {refused}. En espera: {waiting}.',
  ),
  photoNumber: row('Photo {number}', 'Foto {number}', 'Photo {number}', 'Foto {number}', 'Foto {number}'),
  accepted: row('accepted', 'angenommen', 'acceptée', 'aanvaard', 'aceptada'),
  refused: row('refused', 'abgelehnt', 'refusée', 'geweigerd', 'rechazada'),
  waiting: row(
    'is being analysed',
    'wird ausgewertet',
    'en cours d’analyse',
    'wordt geanalyseerd',
    'se está analizando',
  ),
  remove: row(
    'Remove photo {number}',
    'Foto {number} entfernen',
    'Retirer la photo {number}',
    'Foto {number} verwijderen',
    'Quitar la foto {number}',
  ),
  done: row(
    'Done: enrol {name}',
    'Fertig: {name} aufnehmen',
    'Terminé : enregistrer {name}',
    'Klaar: {name} toevoegen',
    'Listo: registrar a {name}',
  ),
  cancel: row('Cancel', 'Abbrechen', 'Annuler', 'Annuleren', 'Cancelar'),
  needed: row(
    'One accepted photo is needed; five to ten are better.',
    'Ein angenommenes Foto ist nötig; fünf bis zehn sind besser.',
    'Il faut une photo acceptée ; cinq à dix valent mieux.',
    'Eén aanvaarde foto is nodig; vijf tot tien is beter.',
    'Hace falta una foto aceptada; de cinco a diez es mejor.',
  ),
  stillWaiting: row(
    'Some photos are still being analysed.',
    'Einige Fotos werden noch ausgewertet.',
    'Des photos sont encore en cours d’analyse.',
    'Sommige foto’s worden nog geanalyseerd.',
    'Algunas fotos aún se están analizando.',
  ),
  noFace: row(
    'no face was found',
    'kein Gesicht gefunden',
    'aucun visage trouvé',
    'geen gezicht gevonden',
    'no se encontró ninguna cara',
  ),
  severalFaces: row(
    '{count} faces: only one may be on the photo',
    '{count} Gesichter: nur eines darf auf dem Foto sein',
    '{count} visages : un seul est permis sur la photo',
    '{count} gezichten: er mag er maar één op de foto staan',
    '{count} caras: solo puede haber una en la foto',
  ),
  small: row(
    'the face is too small ({px} px between the eyes, {least} px needed): go closer',
    'das Gesicht ist zu klein ({px} px zwischen den Augen, {least} px nötig): näher heran',
    'le visage est trop petit ({px} px entre les yeux, {least} px nécessaires) : approchez-vous',
    'het gezicht is te klein ({px} px tussen de ogen, {least} px nodig): ga dichterbij',
    'la cara es demasiado pequeña ({px} px entre los ojos, hacen falta {least} px): acérquese',
  ),
  turned: row(
    'the head is turned too far ({degrees}°)',
    'der Kopf ist zu weit gedreht ({degrees}°)',
    'la tête est trop tournée ({degrees}°)',
    'het hoofd is te ver gedraaid ({degrees}°)',
    'la cabeza está demasiado girada ({degrees}°)',
  ),
  dark: row(
    'too dark: more light on the face',
    'zu dunkel: mehr Licht aufs Gesicht',
    'trop sombre : plus de lumière sur le visage',
    'te donker: meer licht op het gezicht',
    'demasiado oscura: más luz en la cara',
  ),
  flat: row(
    'too little contrast: light from the side, not from behind',
    'zu wenig Kontrast: Licht von der Seite, nicht von hinten',
    'trop peu de contraste : lumière de côté, pas de derrière',
    'te weinig contrast: licht van opzij, niet van achteren',
    'poco contraste: luz de lado, no de atrás',
  ),
  blurred: row(
    'blurred: hold the phone still',
    'unscharf: das Telefon ruhig halten',
    'flou : tenez le téléphone immobile',
    'onscherp: houd de telefoon stil',
    'borrosa: no mueva el teléfono',
  ),
  unclear: row(
    'the face is not clear enough: uncovered and from the front',
    'das Gesicht ist nicht deutlich genug: unbedeckt und von vorn',
    'le visage n’est pas assez net : découvert et de face',
    'het gezicht is niet duidelijk genoeg: onbedekt en van voren',
    'la cara no se ve bien: descubierta y de frente',
  ),
  duplicate: row(
    'the same as photo {number}',
    'gleich wie Foto {number}',
    'identique à la photo {number}',
    'hetzelfde als foto {number}',
    'igual que la foto {number}',
  ),
  notAlike: row(
    'does not resemble the other photos: does it show somebody else?',
    'ähnelt den anderen Fotos nicht: zeigt es jemand anderen?',
    'ne ressemble pas aux autres photos : est-ce une autre personne ?',
    'lijkt niet op de andere foto’s: is het iemand anders?',
    'no se parece a las otras fotos: ¿es otra persona?',
  ),
  unreadable: row(
    'this photo cannot be read: choose a JPEG or PNG',
    'dieses Foto kann nicht gelesen werden: JPEG oder PNG wählen',
    'cette photo est illisible : choisissez un JPEG ou un PNG',
    'deze foto kan niet worden gelezen: kies een JPEG of PNG',
    'no se puede leer esta foto: elija un JPEG o PNG',
  ),
  tooMany: row(
    'there are {most} photos already',
    'es sind schon {most} Fotos da',
    'il y a déjà {most} photos',
    'er zijn al {most} foto’s',
    'ya hay {most} fotos',
  ),
  alike: row(
    'The photos look like {other}, who is enrolled. Nothing was stored. Remove wrong photos, or start the command again with --force if they are two people.',
    'Die Fotos sehen wie {other} aus, bereits aufgenommen. Nichts wurde gespeichert. Entfernen Sie falsche Fotos, oder starten Sie den Befehl mit --force, wenn es zwei Personen sind.',
    'Les photos ressemblent à {other}, déjà enregistré. Rien n’a été enregistré. Retirez les mauvaises photos, ou relancez la commande avec --force s’il s’agit de deux personnes.',
    'De foto’s lijken op {other}, die al is toegevoegd. Er is niets bewaard. Verwijder verkeerde foto’s, of start de opdracht opnieuw met --force als het twee personen zijn.',
    'Las fotos se parecen a {other}, que ya está. No se guardó nada. Quite las fotos equivocadas, o repita la orden con --force si son dos personas.',
  ),
  failed: row(
    'That did not work: {why}',
    'Das ging nicht: {why}',
    'Cela n’a pas marché : {why}',
    'Dat lukte niet: {why}',
    'No funcionó: {why}',
  ),
  enrolled: row(
    '{name} is enrolled.',
    '{name} ist aufgenommen.',
    '{name} est enregistré.',
    '{name} is toegevoegd.',
    '{name} está en la lista.',
  ),
  inUse: row(
    'Photos in use: {count}',
    'Fotos in Gebrauch: {count}',
    'Photos utilisées : {count}',
    'Foto’s in gebruik: {count}',
    'Fotos en uso: {count}',
  ),
  willBeRecognised: row(
    '{name} will be recognised ({named} of {tested} photos pass the test).',
    '{name} wird erkannt ({named} von {tested} Fotos bestehen den Test).',
    '{name} sera reconnu ({named} photos sur {tested} réussissent le test).',
    '{name} wordt herkend ({named} van {tested} foto’s slagen voor de test).',
    'Se reconocerá a {name} ({named} de {tested} fotos pasan la prueba).',
  ),
  mayBeMissed: row(
    '{name} will not always be recognised ({named} of {tested} photos pass the test): add sharper photos in other light.',
    '{name} wird nicht immer erkannt ({named} von {tested} Fotos bestehen den Test): schärfere Fotos in anderem Licht helfen.',
    '{name} ne sera pas toujours reconnu ({named} photos sur {tested} réussissent le test) : ajoutez des photos plus nettes dans une autre lumière.',
    '{name} wordt niet altijd herkend ({named} van {tested} foto’s slagen voor de test): voeg scherpere foto’s in ander licht toe.',
    'No siempre se reconocerá a {name} ({named} de {tested} fotos pasan la prueba): añada fotos más nítidas con otra luz.',
  ),
  untested: row(
    'One photo is too few for a test: add more to be sure that {name} is recognised.',
    'Ein Foto ist zu wenig für einen Test: mit mehr Fotos wird {name} sicher erkannt.',
    'Une photo ne suffit pas pour un test : ajoutez-en pour que {name} soit bien reconnu.',
    'Eén foto is te weinig voor een test: voeg er meer toe zodat {name} zeker wordt herkend.',
    'Una foto es poco para una prueba: añada más para reconocer bien a {name}.',
  ),
  closest: row(
    'Closest is {other} (similarity {similarity}).',
    'Am nächsten ist {other} (Ähnlichkeit {similarity}).',
    'La plus proche est {other} (similarité {similarity}).',
    'Het dichtst bij is {other} (gelijkenis {similarity}).',
    'La más cercana es {other} (similitud {similarity}).',
  ),
  closePage: row(
    'You can close this page.',
    'Sie können diese Seite schließen.',
    'Vous pouvez fermer cette page.',
    'U kunt deze pagina sluiten.',
    'Puede cerrar esta página.',
  ),
  cancelled: row(
    'Nothing was stored.',
    'Nichts wurde gespeichert.',
    'Rien n’a été enregistré.',
    'Er is niets bewaard.',
    'No se guardó nada.',
  ),
} as const satisfies Readonly<Record<string, Translated>>;

type TextKey = keyof typeof table;

/** The names in braces of a text. */
type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
type Values<Key extends TextKey> = Readonly<Record<Names<(typeof table)[Key]['en']>, string | number>>;

/** The text `key` with its values. */
export function say<Key extends TextKey>(
  language: Language,
  key: Key,
  ...[values]: [Names<(typeof table)[Key]['en']>] extends [never] ? [] : [values: Values<Key>]
): string {
  const text: string = table[key][language];
  return text.replace(/\{(\w+)\}/g, (_, name: string) =>
    String((values as Record<string, unknown> | undefined)?.[name] ?? ''),
  );
}

/** The texts of a language as they are, for those that the script of the page fills in. */
export function textsOf(language: Language): Readonly<Record<TextKey, string>> {
  return Object.fromEntries(Object.entries(table).map(([key, texts]) => [key, texts[language]])) as Record<
    TextKey,
    string
  >;
}

/** The first language of `wanted` (`de-AT,de;q=0.9,en`) that the table has; English where it has none. */
export function languageOf(wanted: string): Language {
  for (const tag of wanted.toLowerCase().split(',')) {
    const found = languages.find((language) => tag.trim().split(/[-;]/, 1)[0] === language);
    if (found !== undefined) return found;
  }
  return 'en';
}
