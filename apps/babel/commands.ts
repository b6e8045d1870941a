import {
  type APIApplicationCommandChannelOption,
  ApplicationCommandOptionType,
  ApplicationCommandType,
  ApplicationIntegrationType,
  ChannelType,
  InteractionContextType,
  type RESTPostAPIApplicationCommandsJSONBody,
} from 'discord.js'
import { LANGUAGES } from './languages.ts'

/** What people find in Discord's menus. Registered for all servers at every start: doing it twice changes nothing. */

const choices = Object.entries(LANGUAGES).map(([value, name]) => ({ name, value }))
const language = (name: string, description: string, required = true) =>
  ({ type: ApplicationCommandOptionType.String, name, description, required, choices }) as const
const channel = (name: string, description: string): APIApplicationCommandChannelOption => ({
  type: ApplicationCommandOptionType.Channel,
  name,
  description,
  required: true,
  channel_types: [ChannelType.GuildText, ChannelType.GuildAnnouncement],
})

const anywhere = {
  contexts: [InteractionContextType.Guild, InteractionContextType.BotDM],
  integration_types: [ApplicationIntegrationType.GuildInstall],
}

export const MENU = 'Translate'

const subcommand = ApplicationCommandOptionType.Subcommand as const
const group = ApplicationCommandOptionType.SubcommandGroup as const
const bridgeOptions = [
  channel('from', 'The channel whose messages are carried'),
  channel('to', 'The channel that they are carried to'),
]

export const COMMANDS: RESTPostAPIApplicationCommandsJSONBody[] = [
  {
    ...anywhere,
    type: ApplicationCommandType.ChatInput,
    name: 'translate',
    description: "Translate a text, into that language's channel if this server has one",
    options: [
      language('language', 'The language to translate into'),
      {
        type: ApplicationCommandOptionType.String,
        name: 'text',
        description: 'What to translate',
        required: true,
        max_length: 6_000,
      },
      language('from', 'The language that it is in; else it is guessed', false),
    ],
  },
  { ...anywhere, type: ApplicationCommandType.Message, name: MENU },
  {
    ...anywhere,
    type: ApplicationCommandType.ChatInput,
    name: 'babel',
    description: 'What this bot does here',
    options: [
      { type: subcommand, name: 'show', description: 'The channels, bridges and languages of this server' },
      {
        type: subcommand,
        name: 'language',
        description: 'The language that messages are translated into for you',
        options: [language('language', 'Your language')],
      },
      { type: subcommand, name: 'revenue', description: "What this bot earned and spent; its operator's" },
      {
        type: group,
        name: 'set',
        description: 'For those who manage this server',
        options: [
          {
            type: subcommand,
            name: 'channel',
            description: 'Give a language its channel',
            options: [
              language('language', 'The language that is spoken there'),
              channel('channel', 'Where translations into it are posted'),
            ],
          },
          {
            type: subcommand,
            name: 'bridge',
            description: 'Carry what is written in one channel to another one, translated',
            options: [
              ...bridgeOptions,
              {
                type: ApplicationCommandOptionType.Boolean,
                name: 'both',
                description: 'Both ways; else only replies go back',
              },
            ],
          },
        ],
      },
      {
        type: group,
        name: 'unset',
        description: 'For those who manage this server',
        options: [
          {
            type: subcommand,
            name: 'channel',
            description: 'Take its channel from a language, and the bridges that touch it',
            options: [language('language', 'The language')],
          },
          { type: subcommand, name: 'bridge', description: 'Carry nothing any more', options: bridgeOptions },
        ],
      },
    ],
  },
]
