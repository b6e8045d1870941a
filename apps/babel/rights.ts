import {
  ChannelType,
  type ChatInputCommandInteraction,
  type GuildBasedChannel,
  GuildMember,
  PermissionFlagsBits,
  PermissionsBitField,
  type Role,
} from 'discord.js'
import { nameOf } from './neutral.ts'

/** What somebody may do in a channel: the bot does and tells nothing for anybody beyond that. */

export const SEE = PermissionFlagsBits.ViewChannel
/** To have messages read on elsewhere, those of yesterday included: a reply leads to them. */
export const READ = SEE | PermissionFlagsBits.ReadMessageHistory
/** What a bot, and whoever it writes for, need in a channel. */
export const WRITE = SEE | PermissionFlagsBits.SendMessages

type Who = GuildMember | Role | null | undefined

/** As far as the bot was told of roles and channels; nobody that it does not know may do anything. */
export const rightsOf = (channel: GuildBasedChannel, who: Who): Readonly<PermissionsBitField> => {
  const rights = who == null ? null : channel.permissionsFor(who)
  return rights ?? new PermissionsBitField().freeze()
}

/** A private thread is for those who were added to it, whom the bot does not know. */
export const maySee = (channel: GuildBasedChannel, who: Who): boolean =>
  channel.type !== ChannelType.PrivateThread && rightsOf(channel, who).has(SEE)

export const mayWrite = (channel: GuildBasedChannel, who: Who): boolean =>
  maySee(channel, who) &&
  rightsOf(channel, who).has(channel.isThread() ? PermissionFlagsBits.SendMessagesInThreads : WRITE)

/** What is written where many read may name it. */
export const everyoneSees = (channel: GuildBasedChannel): boolean =>
  maySee(channel, channel.guild.roles.everyone)

/** Who asks; nobody, outside of a server that the bot knows. */
export const memberOf = (member: ChatInputCommandInteraction['member']): GuildMember | undefined =>
  member instanceof GuildMember ? member : undefined

export const linkTo = ({ name }: GuildBasedChannel): string => `#${nameOf(name)}`
