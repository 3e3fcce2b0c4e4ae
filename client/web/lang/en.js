/* en.js - the page's texts in English
 *
 * A translation is one more file like this, named in app.js.  {words} are filled in; a text in
 * several forms is chosen by {count}, with the categories of Intl.PluralRules. */

export default {
  code: "en",
  dir: "ltr",
  texts: {
    /* signing in */
    "sign_in.lead": "Say who you are, and join the conversation.",
    "sign_in.name": "Your name",
    "sign_in.hint": "Letters, digits, and . _ - after the first; at most 32.",
    "sign_in.button": "Sign in",
    "sign_in.retry": "Try again",
    "sign_in.busy": "Signing in…",
    "sign_in.not_allowed": "This name is not allowed. Use letters and digits, and . _ - after the first; a few words are reserved.",
    "sign_in.taken": "{name} is online already. Please choose another name.",
    "sign_in.taken.wait": { one: "{name} is taken. The name may be free in {count} second.", other: "{name} is taken. The name may be free in {count} seconds." },
    "sign_in.taken.again": "{name} may be free now. Try again.",
    "sign_in.too_many": "Too many tries. Please wait a little.",
    "sign_in.too_many.wait": { one: "Too many tries. Please wait {count} second.", other: "Too many tries. Please wait {count} seconds." },
    "sign_in.too_many.again": "You can try again now.",
    "sign_in.away": "The service is not available at the moment. Please try again soon.",
    "sign_in.away.wait": { one: "The service is not available at the moment. Try again in {count} second.", other: "The service is not available at the moment. Try again in {count} seconds." },
    "sign_in.away.again": "The service may be back. Try again.",
    "sign_in.unreachable": "The service cannot be reached. Is there a network?",
    "sign_in.cross_site": "This page may not sign anybody in here.",
    "sign_in.other": "Signing in did not work. Please try again.",

    /* why one is before the form again */
    "ended.signed_out": "You have signed out.",
    "ended.logged_out": "You have signed out in another tab.",
    "ended.kicked": "You have been signed out by the operator.",
    "ended.session_expired": "Your session is over. Please sign in again.",
    "ended.not_logged_in": "You are not signed in any more. Please sign in again.",
    "ended.other": "Your session has ended. Please sign in again.",

    /* the connection */
    "connection.connecting": "Connecting…",
    "connection.online": "Online",
    "connection.reconnecting": "Reconnecting…",
    "connection.reconnecting.in": "Reconnecting in {count} s",
    "connection.offline": "Offline",
    "connection.offline.in": "Offline, retry in {count} s",
    "connection.ended": "Signed out",
    "connection.try_now": "Try now",
    "connection.waits": "You can go on writing: messages wait here and are sent when the connection is back.",
    "refused.too_many_sockets": "This session is open in too many tabs. Close one of them, or wait.",

    /* the menu */
    "menu": "Settings",
    "menu.signed_in": "Signed in as",
    "theme": "Colours",
    "theme.system": "System",
    "theme.light": "Light",
    "theme.dark": "Dark",
    "sound": "Sound for new messages",
    "notifications": "Notifications",
    "notifications.refused": "The browser does not allow notifications for this page.",
    "sign_out": "Sign out",
    "sign_out.failed": "Signing out did not work. Please try again.",

    /* the messages */
    "messages": "Messages",
    "empty.title": "It is quiet here.",
    "empty.text": "What you write below goes to everybody.",
    "new_messages": { one: "{count} new message", other: "{count} new messages" },
    "to_newest": "To the newest",
    "day.today": "Today",
    "day.yesterday": "Yesterday",
    "private.to": "Private to {name}",
    "private.to_you": "Private to you",
    "state.waiting": "Waiting to be sent",
    "state.sending": "Sending",
    "state.sent": "Sent",
    "state.failed": "Not sent",
    "failed": { one: "{count} message was not sent.", other: "{count} messages were not sent." },
    "retry_all": "Retry all",
    "retry": "Retry",
    "edit": "Edit",
    "discard": "Discard",
    "reason.no_such_user": "Not sent: {name} is not here.",
    "reason.no_answer": "Not sent: no answer from the server.",
    "reason.lost": "Not sent: the connection was lost.",
    "reason.too_large": "Not sent: the text is too long.",
    "reason.rate_limited": "Not sent: too many messages at once.",
    "reason.unavailable": "Not sent: the service is not available at the moment.",
    "reason.invalid": "Not sent: the server did not accept it.",
    "reason.session_expired": "Not sent: your session is over.",
    "reason.other": "Not sent: something went wrong.",

    /* lines between the messages */
    "note.gap": "The connection was interrupted. Messages may be missing here.",
    "note.changed": "In this browser, {name} has signed in. You are {name} now.",
    "comings.joined": { one: "{names} joined", other: "{names} joined" },
    "comings.left": { one: "{names} left", other: "{names} left" },
    "names.more": { one: "{names} and {count} other", other: "{names} and {count} others" },

    /* writing */
    "composer": "Write a message",
    "text": "Message",
    "text.group": "Write to everybody",
    "text.private": "Write to {name} privately",
    "text.too_long": "This is too long for one message.",
    "text.full": "Too many messages are waiting already.",
    "send": "Send",
    "receiver.group": "To everybody",
    "receiver.private": "Private to {name}",
    "receiver.clear": "Write to everybody instead",
    "completions": "Names",

    /* the users */
    "users": "Active now",
    "users.list": "Active users",
    "users.count": { one: "{count} active user", other: "{count} active users" },
    "users.show": { one: "Show {count} active user", other: "Show {count} active users" },
    "users.close": "Close the list",
    "users.filter": "Find a name",
    "users.you": "you",
    "number": "{count}",

    /* said aloud, or shown by the system */
    "announce.one": "{name}: {text}",
    "announce.private": "{name}, privately: {text}",
    "announce.many": { one: "{count} new message", other: "{count} new messages" },
    "notification.private": "{name}, privately",
  },
};
