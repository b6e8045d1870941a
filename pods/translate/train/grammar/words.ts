/**
 * The words of the grammar, one row a word, in English, German and French. Left out on purpose: words whose form does
 * not tell its meaning (you, his, her, read, put) and German nouns with a second ending in the accusative.
 */

export const LANGUAGES = ['en', 'de', 'fr'] as const
export type Language = (typeof LANGUAGES)[number]

/** One meaning in every language. */
export type Said = Readonly<Record<Language, string>>

export type GermanGender = 'm' | 'f' | 'n'
export type FrenchGender = 'm' | 'f'

export interface Noun {
  readonly en: readonly [one: string, many: string]
  readonly de: readonly [one: string, many: string, gender: GermanGender]
  readonly fr: readonly [one: string, many: string, gender: FrenchGender]
}

export interface Adjective {
  readonly en: string
  /** As it stands alone, and the stem that takes endings. */
  readonly de: readonly [bare: string, stem: string]
  /** Masculine, masculine before a vowel, feminine; each plural adds an s where it does not end in s or x. */
  readonly fr: readonly [masculine: string, beforeVowel: string, feminine: string, masculineMany: string]
  readonly before: boolean
}

export interface Verb {
  readonly en: readonly [base: string, third: string, past: string]
  readonly de: readonly [i: string, third: string, infinitive: string, participle: string]
  readonly fr: readonly [
    i: string,
    third: string,
    we: string,
    they: string,
    infinitive: string,
    participle: string,
  ]
}

const rows = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .map((line) => line.split(/[|,]/).map((word) => word.trim()))

const nouns = (table: string): Noun[] =>
  rows(table).map(
    ([one = '', many = '', deGender, deOne = '', deMany = '', frGender, frOne = '', frMany = '']) => ({
      en: [one, many],
      de: [deOne, deMany, deGender as GermanGender],
      fr: [frOne, frMany, frGender as FrenchGender],
    }),
  )

export const PEOPLE = nouns(`
  man, men | m, Mann, Männer | m, homme, hommes
  woman, women | f, Frau, Frauen | f, femme, femmes
  child, children | n, Kind, Kinder | m, enfant, enfants
  girl, girls | n, Mädchen, Mädchen | f, fille, filles
  teacher, teachers | m, Lehrer, Lehrer | m, professeur, professeurs
  doctor, doctors | m, Arzt, Ärzte | m, médecin, médecins
  friend, friends | m, Freund, Freunde | m, ami, amis
  sister, sisters | f, Schwester, Schwestern | f, sœur, sœurs
  brother, brothers | m, Bruder, Brüder | m, frère, frères
  mother, mothers | f, Mutter, Mütter | f, mère, mères
  father, fathers | m, Vater, Väter | m, père, pères
  baker, bakers | m, Bäcker, Bäcker | m, boulanger, boulangers
  gardener, gardeners | m, Gärtner, Gärtner | m, jardinier, jardiniers
  queen, queens | f, Königin, Königinnen | f, reine, reines
  king, kings | m, König, Könige | m, roi, rois
  cook, cooks | m, Koch, Köche | m, cuisinier, cuisiniers
  driver, drivers | m, Fahrer, Fahrer | m, chauffeur, chauffeurs
  singer, singers | f, Sängerin, Sängerinnen | f, chanteuse, chanteuses`)

export const THINGS = nouns(`
  book, books | n, Buch, Bücher | m, livre, livres
  car, cars | n, Auto, Autos | f, voiture, voitures
  house, houses | n, Haus, Häuser | f, maison, maisons
  key, keys | m, Schlüssel, Schlüssel | f, clé, clés
  table, tables | m, Tisch, Tische | f, table, tables
  chair, chairs | m, Stuhl, Stühle | f, chaise, chaises
  bag, bags | f, Tasche, Taschen | m, sac, sacs
  apple, apples | m, Apfel, Äpfel | f, pomme, pommes
  letter, letters | m, Brief, Briefe | f, lettre, lettres
  picture, pictures | n, Bild, Bilder | f, image, images
  flower, flowers | f, Blume, Blumen | f, fleur, fleurs
  hat, hats | m, Hut, Hüte | m, chapeau, chapeaux
  coat, coats | m, Mantel, Mäntel | m, manteau, manteaux
  shirt, shirts | n, Hemd, Hemden | f, chemise, chemises
  bicycle, bicycles | n, Fahrrad, Fahrräder | m, vélo, vélos
  dog, dogs | m, Hund, Hunde | m, chien, chiens
  cat, cats | f, Katze, Katzen | m, chat, chats
  horse, horses | n, Pferd, Pferde | m, cheval, chevaux
  lamp, lamps | f, Lampe, Lampen | f, lampe, lampes
  knife, knives | n, Messer, Messer | m, couteau, couteaux
  bottle, bottles | f, Flasche, Flaschen | f, bouteille, bouteilles
  cup, cups | f, Tasse, Tassen | f, tasse, tasses
  ticket, tickets | n, Ticket, Tickets | m, billet, billets
  ship, ships | n, Schiff, Schiffe | m, bateau, bateaux
  box, boxes | f, Kiste, Kisten | f, boîte, boîtes
  glass, glasses | n, Glas, Gläser | m, verre, verres
  window, windows | n, Fenster, Fenster | f, fenêtre, fenêtres
  door, doors | f, Tür, Türen | f, porte, portes
  bird, birds | m, Vogel, Vögel | m, oiseau, oiseaux
  spoon, spoons | m, Löffel, Löffel | f, cuillère, cuillères
  watch, watches | f, Uhr, Uhren | f, montre, montres
  shoe, shoes | m, Schuh, Schuhe | f, chaussure, chaussures
  newspaper, newspapers | f, Zeitung, Zeitungen | m, journal, journaux
  orange, oranges | f, Orange, Orangen | f, orange, oranges
  computer, computers | m, Computer, Computer | m, ordinateur, ordinateurs`)

const adjectives = (table: string): Adjective[] =>
  rows(table).map(([en = '', bare = '', stem = '', side, m = '', vowel = '', f = '', many = '']) => ({
    en,
    de: [bare, stem],
    fr: [m, vowel, f, many],
    before: side === 'before',
  }))

/** What people and things can be. */
const COMMON = adjectives(`
  big | groß, groß | before, grand, grand, grande, grands
  small | klein, klein | before, petit, petit, petite, petits
  old | alt, alt | before, vieux, vieil, vieille, vieux
  new | neu, neu | before, nouveau, nouvel, nouvelle, nouveaux
  beautiful | schön, schön | before, beau, bel, belle, beaux
  good | gut, gut | before, bon, bon, bonne, bons
  dirty | schmutzig, schmutzig | after, sale, sale, sale, sales
  clean | sauber, sauber | after, propre, propre, propre, propres`)

export const OF_PEOPLE = [
  ...COMMON,
  ...adjectives(`
  young | jung, jung | before, jeune, jeune, jeune, jeunes
  strong | stark, stark | after, fort, fort, forte, forts
  tired | müde, müd | after, fatigué, fatigué, fatiguée, fatigués
  happy | glücklich, glücklich | after, heureux, heureux, heureuse, heureux
  rich | reich, reich | after, riche, riche, riche, riches
  poor | arm, arm | after, pauvre, pauvre, pauvre, pauvres`),
]

export const OF_THINGS = [
  ...COMMON,
  ...adjectives(`
  red | rot, rot | after, rouge, rouge, rouge, rouges
  blue | blau, blau | after, bleu, bleu, bleue, bleus
  green | grün, grün | after, vert, vert, verte, verts
  black | schwarz, schwarz | after, noir, noir, noire, noirs
  white | weiß, weiß | after, blanc, blanc, blanche, blancs
  yellow | gelb, gelb | after, jaune, jaune, jaune, jaunes
  expensive | teuer, teur | after, cher, cher, chère, chers
  heavy | schwer, schwer | after, lourd, lourd, lourde, lourds
  broken | kaputt, kaputt | after, cassé, cassé, cassée, cassés`),
]

export const VERBS: readonly Verb[] = rows(`
  buy, buys, bought | kaufe, kauft, kaufen, gekauft | achète, achète, achetons, achètent, acheter, acheté
  see, sees, saw | sehe, sieht, sehen, gesehen | vois, voit, voyons, voient, voir, vu
  find, finds, found | finde, findet, finden, gefunden | trouve, trouve, trouvons, trouvent, trouver, trouvé
  sell, sells, sold | verkaufe, verkauft, verkaufen, verkauft | vends, vend, vendons, vendent, vendre, vendu
  take, takes, took | nehme, nimmt, nehmen, genommen | prends, prend, prenons, prennent, prendre, pris
  bring, brings, brought | bringe, bringt, bringen, gebracht | apporte, apporte, apportons, apportent, apporter, apporté
  lose, loses, lost | verliere, verliert, verlieren, verloren | perds, perd, perdons, perdent, perdre, perdu
  show, shows, showed | zeige, zeigt, zeigen, gezeigt | montre, montre, montrons, montrent, montrer, montré
  love, loves, loved | liebe, liebt, lieben, geliebt | aime, aime, aimons, aiment, aimer, aimé
  wash, washes, washed | wasche, wäscht, waschen, gewaschen | lave, lave, lavons, lavent, laver, lavé
  repair, repairs, repaired | repariere, repariert, reparieren, repariert | répare, répare, réparons, réparent, réparer, réparé
  carry, carries, carried | trage, trägt, tragen, getragen | porte, porte, portons, portent, porter, porté
  count, counts, counted | zähle, zählt, zählen, gezählt | compte, compte, comptons, comptent, compter, compté
  hide, hides, hid | verstecke, versteckt, verstecken, versteckt | cache, cache, cachons, cachent, cacher, caché
  draw, draws, drew | zeichne, zeichnet, zeichnen, gezeichnet | dessine, dessine, dessinons, dessinent, dessiner, dessiné
  paint, paints, painted | male, malt, malen, gemalt | peins, peint, peignons, peignent, peindre, peint
  open, opens, opened | öffne, öffnet, öffnen, geöffnet | ouvre, ouvre, ouvrons, ouvrent, ouvrir, ouvert
  forget, forgets, forgot | vergesse, vergisst, vergessen, vergessen | oublie, oublie, oublions, oublient, oublier, oublié
  look for, looks for, looked for | suche, sucht, suchen, gesucht | cherche, cherche, cherchons, cherchent, chercher, cherché`).map(
  ([base = '', third = '', past = '', ...rest]) => ({
    en: [base, third, past],
    de: rest.slice(0, 4) as unknown as Verb['de'],
    fr: rest.slice(4) as unknown as Verb['fr'],
  }),
)

const said = (table: string): Said[] => rows(table).map(([en = '', de = '', fr = '']) => ({ en, de, fr }))

export const PLACES = said(`
  in the kitchen | in der Küche | dans la cuisine
  in the garden | im Garten | dans le jardin
  at the station | am Bahnhof | à la gare
  at the market | auf dem Markt | au marché
  in the city | in der Stadt | en ville
  at home | zu Hause | à la maison
  at school | in der Schule | à l'école
  in the park | im Park | dans le parc
  in the shop | im Laden | dans le magasin
  in the forest | im Wald | dans la forêt
  on the street | auf der Straße | dans la rue
  at the beach | am Strand | à la plage`)

export const TIMES = {
  present: said(`
  today | heute | aujourd'hui
  now | jetzt | maintenant
  every day | jeden Tag | tous les jours`),
  past: said(`
  yesterday | gestern | hier
  today | heute | aujourd'hui
  last week | letzte Woche | la semaine dernière`),
  future: said(`
  tomorrow | morgen | demain
  tonight | heute Abend | ce soir
  next week | nächste Woche | la semaine prochaine`),
} as const

export const PREPOSITIONS = said(`
  on | auf | sur
  under | unter | sous
  behind | hinter | derrière
  in front of | vor | devant`)

export const HOURS = said(`
  one | ein | une
  two | zwei | deux
  three | drei | trois
  four | vier | quatre
  five | fünf | cinq
  six | sechs | six
  seven | sieben | sept
  eight | acht | huit
  nine | neun | neuf
  ten | zehn | dix
  eleven | elf | onze
  twelve | zwölf | douze`)

export const LEAVING = said(`
  The train | Der Zug | Le train
  The bus | Der Bus | Le bus
  The next train | Der nächste Zug | Le prochain train
  The last bus | Der letzte Bus | Le dernier bus
  The next boat | Das nächste Boot | Le prochain bateau`)

/** Whole phrases that are said one way. Commas stand in them, so bars part the languages and nothing else does. */
export const FIXED: readonly Said[] = `
  Good morning. | Guten Morgen. | Bonjour.
  Good evening. | Guten Abend. | Bonsoir.
  Good night. | Gute Nacht. | Bonne nuit.
  Goodbye. | Auf Wiedersehen. | Au revoir.
  Thank you very much. | Vielen Dank. | Merci beaucoup.
  You are welcome. | Gern geschehen. | De rien.
  Excuse me. | Entschuldigung. | Excusez-moi.
  See you tomorrow. | Bis morgen. | À demain.
  See you soon. | Bis bald. | À bientôt.
  How are you? | Wie geht es Ihnen? | Comment allez-vous ?
  I am fine. | Mir geht es gut. | Je vais bien.
  What is your name? | Wie heißen Sie? | Comment vous appelez-vous ?
  I do not understand. | Ich verstehe nicht. | Je ne comprends pas.
  Do you speak English? | Sprechen Sie Englisch? | Parlez-vous anglais ?
  Do you speak German? | Sprechen Sie Deutsch? | Parlez-vous allemand ?
  Do you speak French? | Sprechen Sie Französisch? | Parlez-vous français ?
  What time is it? | Wie spät ist es? | Quelle heure est-il ?
  I am hungry. | Ich habe Hunger. | J'ai faim.
  I am thirsty. | Ich habe Durst. | J'ai soif.
  I am lost. | Ich habe mich verlaufen. | Je suis perdu.
  Help! | Hilfe! | Au secours !
  Good luck! | Viel Glück! | Bonne chance !
  Congratulations! | Herzlichen Glückwunsch! | Félicitations !
  Happy birthday! | Alles Gute zum Geburtstag! | Joyeux anniversaire !
  Enjoy your meal! | Guten Appetit! | Bon appétit !
  I love you. | Ich liebe dich. | Je t'aime.
  It is raining. | Es regnet. | Il pleut.
  It is cold. | Es ist kalt. | Il fait froid.
  Where are the toilets? | Wo sind die Toiletten? | Où sont les toilettes ?
  The bill, please. | Die Rechnung, bitte. | L'addition, s'il vous plaît.`
  .trim()
  .split('\n')
  .map((line) => {
    const [en = '', de = '', fr = ''] = line.split('|').map((part) => part.trim())
    return { en, de, fr }
  })
