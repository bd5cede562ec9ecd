/*! Inhouse chat widget. One file, no dependencies, no cookies, no requests but to the server it came from. */
(function () {
  'use strict'

  // ------------------------------------------------------------------------------------------- languages
  const STRINGS = {
    en: { open: 'Open chat', close: 'Close chat', send: 'Send', stop: 'Stop', ask: 'Ask a question', again: 'New chat',
      log: 'Conversation', you: 'You', bot: 'Assistant', sources: 'Sources', source: 'Source', page: 'page', back: 'Close',
      good: 'Helpful', bad: 'Not helpful', thanks: 'Thank you for the feedback.', person: 'Talk to a person',
      contact: 'E-mail or phone', note: 'What is it about?', passed: 'Your request was passed on. We will get back to you.',
      away: 'Nobody is here right now; we answer as soon as we are back.', thinking: 'Looking it up…', queue: 'Waiting, place {n}…',
      site: 'This chat is not available on this site.', off: 'This chat is not available at the moment.',
      slow: 'That was a lot of questions. Please try again later.', signin: 'Please reload the page to go on chatting.',
      net: 'The connection was lost. Please try again.', unchecked: 'Please check this answer against the sources.',
      stopped: 'Stopped.', image: 'Image not loaded', nearest: 'Closest passages', preview: 'This is a preview. Nothing is sent.',
      may: 'May this be done?', allow: 'Allow', deny: 'Do not allow', done: 'Done.', failed: 'This did not work.', refused: 'Not done.', expired: 'Not allowed in time.', running: 'Under way…', interrupted: 'It is not known whether this was done.',
      attach: 'Attach a file', remove: 'Remove', reading: 'Being read…', read: 'Read.', large: 'The file is too large; at most {n} MB.' },
    de: { open: 'Chat öffnen', close: 'Chat schließen', send: 'Senden', stop: 'Anhalten', ask: 'Frage stellen', again: 'Neuer Chat',
      log: 'Gespräch', you: 'Sie', bot: 'Assistent', sources: 'Quellen', source: 'Quelle', page: 'Seite', back: 'Schließen',
      good: 'Hilfreich', bad: 'Nicht hilfreich', thanks: 'Danke für die Rückmeldung.', person: 'Mit einem Menschen sprechen',
      contact: 'E-Mail oder Telefon', note: 'Worum geht es?', passed: 'Ihre Anfrage wurde weitergegeben. Wir melden uns.',
      away: 'Gerade ist niemand da; wir antworten, sobald wir zurück sind.', thinking: 'Ich sehe nach…', queue: 'Bitte warten, Platz {n}…',
      site: 'Dieser Chat ist auf dieser Seite nicht verfügbar.', off: 'Dieser Chat ist im Moment nicht verfügbar.',
      slow: 'Das waren viele Fragen. Bitte versuchen Sie es später noch einmal.', signin: 'Bitte laden Sie die Seite neu, um weiterzuchatten.',
      net: 'Die Verbindung ist abgebrochen. Bitte versuchen Sie es noch einmal.', unchecked: 'Bitte prüfen Sie diese Antwort an den Quellen.',
      stopped: 'Angehalten.', image: 'Bild nicht geladen', nearest: 'Nächste Fundstellen', preview: 'Dies ist eine Vorschau. Nichts wird gesendet.',
      may: 'Darf das geschehen?', allow: 'Erlauben', deny: 'Nicht erlauben', done: 'Erledigt.', failed: 'Das hat nicht geklappt.', refused: 'Nicht ausgeführt.', expired: 'Nicht rechtzeitig erlaubt.', running: 'Läuft…', interrupted: 'Ob das geschehen ist, ist nicht bekannt.',
      attach: 'Datei anhängen', remove: 'Entfernen', reading: 'Wird gelesen…', read: 'Gelesen.', large: 'Die Datei ist zu groß; höchstens {n} MB.' },
    fr: { open: 'Ouvrir le chat', close: 'Fermer le chat', send: 'Envoyer', stop: 'Arrêter', ask: 'Poser une question', again: 'Nouvelle discussion',
      log: 'Conversation', you: 'Vous', bot: 'Assistant', sources: 'Sources', source: 'Source', page: 'page', back: 'Fermer',
      good: 'Utile', bad: 'Pas utile', thanks: 'Merci pour votre avis.', person: 'Parler à une personne',
      contact: 'E-mail ou téléphone', note: 'De quoi s’agit-il ?', passed: 'Votre demande a été transmise. Nous vous répondrons.',
      away: 'Personne n’est là en ce moment ; nous répondrons dès notre retour.', thinking: 'Je cherche…', queue: 'En attente, place {n}…',
      site: 'Ce chat n’est pas disponible sur ce site.', off: 'Ce chat n’est pas disponible pour le moment.',
      slow: 'Cela fait beaucoup de questions. Réessayez plus tard.', signin: 'Rechargez la page pour continuer à discuter.',
      net: 'La connexion a été perdue. Réessayez.', unchecked: 'Vérifiez cette réponse dans les sources.',
      stopped: 'Arrêté.', image: 'Image non chargée', nearest: 'Passages les plus proches', preview: 'Ceci est un aperçu. Rien n’est envoyé.',
      may: 'Est-ce permis ?', allow: 'Autoriser', deny: 'Ne pas autoriser', done: 'C’est fait.', failed: 'Cela n’a pas fonctionné.', refused: 'Non exécuté.', expired: 'Pas autorisé à temps.', running: 'En cours…', interrupted: 'On ne sait pas si cela a été fait.',
      attach: 'Joindre un fichier', remove: 'Retirer', reading: 'Lecture en cours…', read: 'Lu.', large: 'Le fichier est trop volumineux ; {n} Mo au plus.' },
    es: { open: 'Abrir el chat', close: 'Cerrar el chat', send: 'Enviar', stop: 'Detener', ask: 'Hacer una pregunta', again: 'Nuevo chat',
      log: 'Conversación', you: 'Usted', bot: 'Asistente', sources: 'Fuentes', source: 'Fuente', page: 'página', back: 'Cerrar',
      good: 'Útil', bad: 'No es útil', thanks: 'Gracias por su opinión.', person: 'Hablar con una persona',
      contact: 'Correo o teléfono', note: '¿De qué se trata?', passed: 'Su solicitud fue transmitida. Le responderemos.',
      away: 'Ahora no hay nadie; responderemos en cuanto volvamos.', thinking: 'Buscando…', queue: 'En espera, puesto {n}…',
      site: 'Este chat no está disponible en este sitio.', off: 'Este chat no está disponible en este momento.',
      slow: 'Han sido muchas preguntas. Inténtelo más tarde.', signin: 'Recargue la página para seguir con el chat.',
      net: 'Se perdió la conexión. Inténtelo de nuevo.', unchecked: 'Compruebe esta respuesta en las fuentes.',
      stopped: 'Detenido.', image: 'Imagen no cargada', nearest: 'Pasajes más cercanos', preview: 'Esto es una vista previa. No se envía nada.',
      may: '¿Se puede hacer esto?', allow: 'Permitir', deny: 'No permitir', done: 'Hecho.', failed: 'No ha funcionado.', refused: 'No se hizo.', expired: 'No se permitió a tiempo.', running: 'En curso…', interrupted: 'No se sabe si se hizo.',
      attach: 'Adjuntar un archivo', remove: 'Quitar', reading: 'Leyendo…', read: 'Leído.', large: 'El archivo es demasiado grande; {n} MB como máximo.' },
    zh: { open: '打开聊天', close: '关闭聊天', send: '发送', stop: '停止', ask: '提问', again: '新对话',
      log: '对话', you: '您', bot: '助手', sources: '来源', source: '来源', page: '页', back: '关闭',
      good: '有帮助', bad: '没有帮助', thanks: '感谢您的反馈。', person: '联系人工客服',
      contact: '邮箱或电话', note: '关于什么问题？', passed: '您的请求已转达，我们会与您联系。',
      away: '现在没有客服在线，我们会尽快回复。', thinking: '正在查找…', queue: '排队中，第 {n} 位…',
      site: '此聊天在本网站不可用。', off: '此聊天暂时不可用。',
      slow: '提问太多了，请稍后再试。', signin: '请刷新页面后继续聊天。',
      net: '连接已断开，请重试。', unchecked: '请对照来源核实此回答。',
      stopped: '已停止。', image: '图片未加载', nearest: '最接近的段落', preview: '这是预览，不会发送任何内容。',
      may: '可以执行此操作吗？', allow: '允许', deny: '不允许', done: '已完成。', failed: '未能完成。', refused: '未执行。', expired: '未及时允许。', running: '进行中…', interrupted: '无法确定是否已执行。',
      attach: '添加附件', remove: '移除', reading: '正在读取…', read: '已读取。', large: '文件太大，最多 {n} MB。' },
    ar: { open: 'فتح المحادثة', close: 'إغلاق المحادثة', send: 'إرسال', stop: 'إيقاف', ask: 'اطرح سؤالاً', again: 'محادثة جديدة',
      log: 'المحادثة', you: 'أنت', bot: 'المساعد', sources: 'المصادر', source: 'المصدر', page: 'صفحة', back: 'إغلاق',
      good: 'مفيد', bad: 'غير مفيد', thanks: 'شكراً على رأيك.', person: 'التحدث إلى شخص',
      contact: 'البريد الإلكتروني أو الهاتف', note: 'ما الموضوع؟', passed: 'تم تحويل طلبك. سنتواصل معك.',
      away: 'لا أحد متاح الآن؛ سنجيب فور عودتنا.', thinking: 'جارٍ البحث…', queue: 'في الانتظار، الدور {n}…',
      site: 'هذه المحادثة غير متاحة على هذا الموقع.', off: 'هذه المحادثة غير متاحة حالياً.',
      slow: 'هذه أسئلة كثيرة. حاول لاحقاً.', signin: 'أعد تحميل الصفحة لمتابعة المحادثة.',
      net: 'انقطع الاتصال. حاول مرة أخرى.', unchecked: 'يرجى التحقق من هذه الإجابة في المصادر.',
      stopped: 'تم الإيقاف.', image: 'لم تُحمَّل الصورة', nearest: 'أقرب المقاطع', preview: 'هذه معاينة. لا يُرسل شيء.',
      may: 'هل تسمح بهذا؟', allow: 'السماح', deny: 'عدم السماح', done: 'تم.', failed: 'لم ينجح ذلك.', refused: 'لم يُنفَّذ.', expired: 'لم يُسمح به في الوقت المناسب.', running: 'قيد التنفيذ…', interrupted: 'من غير المعروف هل نُفِّذ ذلك.',
      attach: 'إرفاق ملف', remove: 'إزالة', reading: 'تجري القراءة…', read: 'تمت القراءة.', large: 'الملف كبير جداً؛ {n} ميغابايت كحد أقصى.' },
  }

  // ------------------------------------------------------------------------------------------- style
  const STYLE = `
:host{all:initial!important;display:contents!important;
--a:var(--inhouse-accent,var(--pa,#0f5c4d));--on:var(--inhouse-on-accent,var(--po,#fff));
--bg:var(--inhouse-background,var(--pb,#fff));--fg:var(--inhouse-text,var(--pt,#1a1f1e));
--font:var(--inhouse-font,system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif);--z:var(--inhouse-z,2147483000)}
*,*::before,*::after{box-sizing:border-box}
[hidden]{display:none!important}
.all{font:15px/1.5 var(--font);color:var(--fg);color-scheme:light;
--line:color-mix(in srgb,var(--fg) 22%,var(--bg));--soft:color-mix(in srgb,var(--fg) 7%,var(--bg));--dim:color-mix(in srgb,var(--fg) 72%,var(--bg))}
.dark{--bg:var(--inhouse-background,var(--pb,#161b1a));--fg:var(--inhouse-text,var(--pt,#eef2f0));color-scheme:dark}
button,textarea,input{font:inherit;color:inherit}
button{cursor:pointer;border:0;background:none;padding:0}
:focus-visible{outline:3px solid var(--a);outline-offset:2px;border-radius:6px}
.bubble{position:fixed;bottom:20px;inset-inline-end:20px;z-index:var(--z);width:58px;height:58px;border-radius:50%;
background:var(--a);color:var(--on);box-shadow:0 6px 24px rgba(0,0,0,.28);display:grid;place-items:center}
.bubble:focus-visible{outline-color:var(--fg);border-radius:50%}
.left .bubble,.left .panel{inset-inline-end:auto;inset-inline-start:20px}
.panel{position:fixed;bottom:90px;inset-inline-end:20px;z-index:var(--z);width:384px;height:min(640px,calc(100vh - 110px));
display:flex;flex-direction:column;background:var(--bg);color:var(--fg);border:1px solid var(--line);border-radius:16px;overflow:hidden;
box-shadow:0 16px 56px rgba(0,0,0,.26)}
.inline .panel{position:relative;inset:auto;width:100%;height:560px;box-shadow:none;z-index:auto}
header{display:flex;align-items:center;gap:4px;padding:10px 12px;background:var(--a);color:var(--on)}
h2{flex:1;margin:0;font-size:16px;font-weight:650;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
header button{min-width:36px;height:36px;border-radius:8px;display:grid;place-items:center}
header button:hover{background:color-mix(in srgb,var(--on) 16%,transparent)}
header :focus-visible{outline-color:var(--on)}
svg{width:20px;height:20px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.bubble svg{width:26px;height:26px}
.log{flex:1;overflow-y:auto;padding:16px;display:flex;flex-direction:column;gap:14px;overscroll-behavior:contain}
.me{align-self:flex-end;max-width:85%;padding:8px 12px;border-radius:14px 14px 4px 14px;background:var(--a);color:var(--on);white-space:pre-wrap;overflow-wrap:anywhere}
.bot{max-width:100%;overflow-wrap:anywhere}
.text>:first-child{margin-top:0}.text>:last-child{margin-bottom:0}
p,ul,ol,pre,blockquote,table,h3,h4,h5{margin:0 0 8px}
h3,h4,h5{font-size:1em;font-weight:650}
ul,ol{padding-inline-start:22px}
pre{overflow-x:auto;padding:10px;border-radius:8px;background:var(--soft);direction:ltr;text-align:left}
code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace;background:var(--soft);border-radius:4px;padding:0 3px}
pre code{background:none;padding:0}
p,li,h3,h4,h5,td,th,.me,.questions button,.sources button,.sheet blockquote{unicode-bidi:plaintext}
blockquote{border-inline-start:3px solid var(--line);padding-inline-start:10px;color:var(--dim)}
table{border-collapse:collapse;display:block;overflow-x:auto;font-size:14px}
td,th{border:1px solid var(--line);padding:3px 7px;text-align:start}
.link{text-decoration:underline;cursor:pointer}
.link small,.image small{color:var(--dim)}
.image{border:1px dashed var(--line);border-radius:8px;padding:2px 8px;text-align:start}
.cite{min-width:24px;height:24px;padding:0 5px;margin:0 1px;border-radius:7px;background:var(--soft);border:1px solid var(--line);font-size:12px;font-weight:650;vertical-align:1px}
.tools{display:flex;gap:4px;align-items:center;margin-top:6px;min-height:28px;color:var(--dim);font-size:13px}
.tools button{min-width:28px;height:28px;border-radius:7px;display:grid;place-items:center}
.tools button:hover,.tools [aria-pressed=true]{background:var(--soft);color:var(--fg)}
.tools svg{width:16px;height:16px}
.sources{margin-top:8px;display:flex;flex-wrap:wrap;gap:6px}
.sources button,.questions button{border:1px solid var(--line);border-radius:10px;padding:4px 10px;min-height:28px;text-align:start;font-size:13.5px;max-width:100%;overflow:hidden;text-overflow:ellipsis}
.questions{display:flex;flex-direction:column;align-items:flex-start;gap:8px}
.questions button{font-size:14.5px;padding:6px 12px}
.questions button:hover,.sources button:hover{background:var(--soft)}
.note{font-size:13.5px;color:var(--dim);margin:6px 0 0}
.alert{border:1px solid var(--line);border-inline-start:4px solid #b3261e;border-radius:8px;padding:8px 12px}
form.ask{display:flex;gap:8px;align-items:flex-end;padding:10px 12px;border-top:1px solid var(--line)}
textarea,input{width:100%;border:1px solid color-mix(in srgb,var(--fg) 50%,var(--bg));border-radius:10px;background:var(--bg);padding:8px 10px;resize:none}
.ask textarea{max-height:130px;min-height:42px}
.main{background:var(--a);color:var(--on);border-radius:10px;min-width:42px;height:42px;padding:0 12px;display:grid;place-items:center}
.main:focus-visible{outline-color:var(--fg)}
.disclaimer{padding:0 14px 10px;margin:0;font-size:12.5px;color:var(--dim)}
.sheet{position:absolute;inset:0;background:var(--bg);display:flex;flex-direction:column;gap:12px;padding:16px;overflow-y:auto;z-index:2}
.sheet h3{font-size:16px;margin:0}
.sheet blockquote{white-space:pre-wrap;overflow-wrap:anywhere;color:var(--fg)}
.sheet label{display:block;font-size:14px}
.row{display:flex;gap:8px;justify-content:flex-end}
.call{border:1px solid var(--line);border-inline-start:4px solid var(--a);border-radius:8px;padding:10px 12px;margin:8px 0 0}
.call dl{margin:4px 0 8px;font-size:14px}
.call dt{color:var(--dim)}
.call dd{margin:0 0 4px;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext}
.call p{margin:0}
.call [aria-disabled=true]{opacity:.6}
.files{list-style:none;margin:0;padding:8px 12px 0;display:flex;flex-direction:column;gap:4px;font-size:13.5px}
.files li{display:flex;gap:8px;align-items:center;overflow-wrap:anywhere}
.files li span{flex:1}
.files button{min-width:28px;height:28px;border-radius:7px;display:grid;place-items:center}
.files svg{width:16px;height:16px}
.clip{min-width:42px;height:42px;border-radius:10px;display:grid;place-items:center}
.clip:hover,.files button:hover{background:var(--soft)}
.plain{border:1px solid var(--line);border-radius:10px;height:42px;padding:0 14px}
.quiet{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.dots::after{content:"";display:inline-block;width:1.2em;text-align:start;animation:dots 1.2s steps(4) infinite}
@keyframes dots{0%{content:""}25%{content:"."}50%{content:".."}75%{content:"..."}}
@media (prefers-reduced-motion:reduce){.dots::after{animation:none;content:"..."}}
@media (max-width:520px){.float .panel{inset:0!important;width:100%;height:100%;height:100dvh;border:0;border-radius:0}.float.shown .bubble{display:none}}
@media print{.float{display:none}}
@media (forced-colors:active){.me,.main,.bubble,header{border:1px solid}}`

  const ICONS = {
    chat: 'M4 5h16v11H9l-5 4z', close: 'M6 6l12 12M18 6L6 18', send: 'M4 12l16-8-6 16-3-6z', stop: 'M7 7h10v10H7z',
    clip: 'M20 11l-8 8a5 5 0 0 1-7-7l8-8a3.500 3.500 0 0 1 5 5l-8 8a2 2 0 0 1-3-3l7-7',
    again: 'M4 12a8 8 0 1 0 3-6M4 4v4h4', person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c1-5 4-7 8-7s7 2 8 7',
    good: 'M7 11v9H4v-9zM7 11l4-8c2 0 3 1 2.500 3.500L13 9h6l-1.500 9c-.3 1.500-1 2-2 2H7',
    bad: 'M7 13V4H4v9zM7 13l4 8c2 0 3-1 2.500-3.500L13 15h6l-1.500-9c-.3-1.500-1-2-2-2H7',
  }

  // ------------------------------------------------------------------------------------------- stage one: the page
  // The page may have replaced fetch, Array.prototype and everything else. So a frame of our own, inside a closed
  // shadow root where the page cannot find it, loads this same file again and runs the chat with built-ins that nobody
  // has touched; elements are made there and moved into the shadow root. Where a page forbids that, the chat runs here.
  function begin() {
    const own = window !== window.parent ? window.inhouseBoot : undefined
    if (own) {
      delete window.inhouseBoot
      own.run(() => start(own))
      return
    }
    const script = document.currentScript
    const given = (name) => (script ? script.getAttribute(`data-${name}`) : null) // not `dataset`, which a page can pollute
    if (!given('widget')) {
      console.warn('Inhouse chat: the script tag needs data-widget="ID".')
      return
    }
    const boot = {
      id: given('widget'),
      base: script.src.replace(/\/widget\.js([?#].*)?$/, ''),
      inline: given('mode') === 'inline',
      lang: given('lang'),
      scheme: given('scheme'),
      side: given('side'),
      tokenUrl: given('token-url'),
      preview: given('preview'),
      view: window,
      page: document,
      api: null,
      calls: [],
      listeners: {},
    }
    const call = (name) => (...args) => (boot.api ? boot.api[name](...args) : void boot.calls.push([name, args]))
    const on = (name, listener) => { (boot.listeners[name] = boot.listeners[name] || []).push(listener) }
    const chat = { id: boot.id, open: call('open'), close: call('close'), ask: call('ask'), identify: call('identify'), on }
    if (!window.InhouseChat) window.InhouseChat = { ...chat, all: {} }
    window.InhouseChat.all[boot.id] = chat
    if (document.body) mount(script, boot)
    else document.addEventListener('DOMContentLoaded', () => mount(script, boot))
  }

  function mount(script, boot) {
    const target = script.getAttribute('data-target')
    const place = (target && document.querySelector(target)) || document.body
    const host = document.createElement('inhouse-chat')
    place.append(host)
    boot.root = untouched(host).call(host, { mode: 'closed', delegatesFocus: false })
    let begun = false
    const here = () => { if (!begun) { begun = true; start(boot) } }
    boot.run = (work) => { if (!begun) { begun = true; work() } }
    const frame = document.createElement('iframe')
    frame.hidden = true
    frame.tabIndex = -1
    frame.title = 'Inhouse chat'
    frame.setAttribute('aria-hidden', 'true')
    frame.addEventListener('load', () => {
      let inner = null
      try { inner = frame.contentDocument } catch { /* a sandboxed page: the frame is somebody else's */ }
      if (!inner || begun) return here()
      try {
        frame.contentWindow.inhouseBoot = boot
        const again = inner.createElement('script')
        again.onerror = here
        if (script.nonce) again.nonce = script.nonce
        if (script.integrity) { again.crossOrigin = script.crossOrigin || 'anonymous'; again.integrity = script.integrity }
        again.src = script.src
        inner.documentElement.append(again)
      } catch { here() }
    })
    boot.root.append(frame)
  }

  function untouched(host) {
    let found = host.attachShadow
    try {
      const lender = document.createElement('iframe')
      lender.hidden = true
      document.documentElement.append(lender)
      found = lender.contentWindow.Element.prototype.attachShadow
      lender.remove()
    } catch { /* as above: what the page offers has to do */ }
    return found
  }

  // ------------------------------------------------------------------------------------------- elements
  function make(tag, props, ...children) {
    const node = document.createElement(tag)
    for (const [name, value] of Object.entries(props || {})) {
      if (name === 'on') for (const [kind, listener] of Object.entries(value)) node.addEventListener(kind, listener)
      else if (name === 'text') node.textContent = value
      else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? '' : value)
    }
    node.append(...children.filter((child) => child !== null && child !== undefined))
    return node
  }

  function icon(name) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    svg.setAttribute('viewBox', '0 0 24 24')
    svg.setAttribute('aria-hidden', 'true')
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
    path.setAttribute('d', ICONS[name])
    svg.append(path)
    return svg
  }

  // ------------------------------------------------------------------------------------------- Markdown
  // The one way from text to elements, for answers that stream and for those of before. It makes elements from a short
  // list and text; there is no HTML, nothing that loads, and no address in any attribute. A link opens on a click.
  const DEEPEST = 6
  const INLINE = /\\([!-/:-@[-`{-~])|`([^`\n]{1,2000})`|!\[([^\]\n]{0,500})\]\(<?([^()\s<>]{1,2000})>?[^)\n]{0,300}\)|\[([^[\]\n]{1,500})\]\(<?([^()\s<>]{1,2000})>?[^)\n]{0,300}\)|\[(\d{1,3})\]|<?(https?:\/\/[^\s<>()"'`\]]{1,2000})>?|\*\*(?=\S)([^\n]{1,2000}?\S)\*\*|__(?=\S)([^\n]{1,2000}?\S)__|~~(?=\S)([^\n]{1,2000}?\S)~~|\*(?=[^\s*])([^*\n]{0,2000}[^\s*])\*|(\n)/g

  function markdown(text, context) {
    const box = document.createDocumentFragment()
    // All that ends a line for `.` and `$`: a list's line that one of them cuts would never be left behind.
    blocks(text.split(/\r\n?|[\n\u2028\u2029]/), box, context, 0)
    return box
  }

  function blocks(lines, box, context, depth) {
    let at = 0
    const next = () => lines[at]
    while (at < lines.length) {
      const line = next()
      let found
      if (!line.trim()) { at++; continue }
      if ((found = /^\s{0,3}(`{3,}|~{3,})/.exec(line))) {
        const fence = found[1]
        const code = []
        for (at++; at < lines.length && !next().trim().startsWith(fence); at++) code.push(next())
        at++
        box.append(make('pre', { tabindex: '0' }, make('code', { text: code.join('\n') })))
      } else if ((found = /^\s{0,3}(#{1,6})\s+(.*)$/.exec(line))) {
        const title = make(found[1].length < 2 ? 'h3' : found[1].length < 3 ? 'h4' : 'h5')
        inline(found[2].replace(/\s#+\s*$/, ''), title, context, depth)
        box.append(title)
        at++
      } else if (/^\s{0,3}([-*_])(\s*\1){2,}\s*$/.test(line)) { box.append(make('hr')); at++ } else if (/^\s{0,3}>/.test(line) && depth < DEEPEST) {
        const inner = []
        for (; at < lines.length && /^\s{0,3}>/.test(next()); at++) inner.push(next().replace(/^\s{0,3}> ?/, ''))
        const quote = make('blockquote')
        blocks(inner, quote, context, depth + 1)
        box.append(quote)
      } else if ((found = /^(\s*)([-*+]|\d{1,9}[.)])\s+/.exec(line)) && depth < DEEPEST) {
        at = list(lines, at, found, box, context, depth)
      } else if (line.includes('|') && /^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/.test(lines[at + 1] || '')) {
        const table = make('table', { tabindex: '0' })
        const cells = (row, tag) => {
          const tr = make('tr')
          for (const cell of row.trim().replace(/^\|/, '').replace(/\|$/, '').split('|').slice(0, 50)) {
            const td = make(tag)
            inline(cell.trim(), td, context, depth)
            tr.append(td)
          }
          return tr
        }
        table.append(make('thead', {}, cells(line, 'th')))
        const body = make('tbody')
        for (at += 2; at < lines.length && next().includes('|'); at++) body.append(cells(next(), 'td'))
        table.append(body)
        box.append(table)
      } else {
        const words = [line]
        for (at++; at < lines.length && next().trim() && !/^\s{0,3}(#{1,6}\s|>|`{3}|~{3}|[-*+]\s|\d{1,9}[.)]\s)/.test(next()); at++) words.push(next())
        const p = make('p')
        inline(words.join('\n'), p, context, depth)
        box.append(p)
      }
    }
  }

  function list(lines, at, first, box, context, depth) {
    const ordered = /\d/.test(first[2])
    const node = make(ordered ? 'ol' : 'ul', ordered ? { start: String(parseInt(first[2], 10)) } : {})
    const indent = first[1].length
    while (at < lines.length) {
      const found = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/.exec(lines[at])
      if (!found || found[1].length < indent || /\d/.test(found[2]) !== ordered) break
      const inner = [found[3]]
      const deeper = indent + 2
      for (at++; at < lines.length; at++) {
        const line = lines[at]
        const space = /^\s*/.exec(line)[0].length
        if (line.trim() ? space < deeper : !(lines[at + 1] || '').startsWith(' '.repeat(deeper))) break
        inner.push(line.slice(Math.min(space, deeper)))
      }
      const item = make('li')
      if (inner.length === 1) inline(inner[0], item, context, depth)
      else blocks(inner, item, context, depth + 1)
      node.append(item)
    }
    box.append(node)
    return at
  }

  function inline(text, box, context, depth) {
    let last = 0
    for (const found of text.matchAll(INLINE)) {
      if (found.index > last) box.append(text.slice(last, found.index))
      last = found.index + found[0].length
      const [, escaped, code, alt, picture, label, target, number, bare, strong, strong2, gone, em, newline] = found
      const nested = (tag, inner) => {
        const node = make(tag)
        if (depth < DEEPEST) inline(inner, node, context, depth + 1)
        else node.append(inner)
        box.append(node)
      }
      if (escaped) box.append(escaped)
      else if (code) box.append(make('code', { text: code }))
      else if (picture) box.append(image(alt, picture, context))
      else if (target) box.append(link(label, target) || found[0])
      else if (number) box.append(context.cite(Number(number)) || found[0])
      else if (bare) {
        const address = bare.replace(/[.,;:!?]+$/, '')
        box.append(link(address, address) || address, bare.slice(address.length))
      } else if (strong || strong2) nested('strong', strong || strong2)
      else if (gone) nested('s', gone)
      else if (em) nested('em', em)
      else if (newline) box.append(make('br'))
    }
    if (last < text.length) box.append(text.slice(last))
  }

  function address(text) {
    try {
      const url = new URL(text)
      return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url : null
    } catch { return null }
  }

  function opening(url, props, ...children) {
    const go = (event) => {
      event.preventDefault()
      window.open(url.href, '_blank', 'noopener,noreferrer')
    }
    const on = { click: go, keydown: (event) => { if (event.key === 'Enter') go(event) } }
    return make('span', { ...props, role: 'link', tabindex: '0', on }, ...children)
  }

  function link(label, target) {
    const url = address(target)
    if (!url) return null
    const host = url.protocol === 'mailto:' ? url.pathname : url.host
    const shown = label.includes(host) ? null : make('small', { text: ` (${host})` })
    return opening(url, { class: 'link' }, label, shown)
  }

  function image(alt, target, context) {
    const url = address(target)
    const label = `${context.words.image}: ${alt || '…'}`
    return url ? opening(url, { class: 'image' }, label, make('small', { text: ` (${url.host})` })) : make('span', { class: 'image', text: label })
  }

  // ------------------------------------------------------------------------------------------- server
  class Refused extends Error {
    constructor(status, code, sentence, after) { super(sentence); this.status = status; this.code = code; this.after = after || 0 }
  }

  function server(boot) {
    const root = `${boot.base}/api/widget/${encodeURIComponent(boot.id)}/`
    const slot = `inhouse:${boot.id}`
    let token = null
    let ends = 0
    let identity = boot.tokenUrl ? fromPage : null
    let beginning = null

    function keep(values) {
      try { sessionStorage.setItem(slot, JSON.stringify({ ...kept(), ...values })) } catch { /* nothing survives then */ }
    }
    function kept() {
      try { return JSON.parse(sessionStorage.getItem(slot)) || {} } catch { return {} }
    }
    async function fromPage() {
      const reply = await fetch(new URL(boot.tokenUrl, boot.page.baseURI), { credentials: 'same-origin', headers: { Accept: 'application/json' } })
      if (!reply.ok) return null
      return (await reply.json()).token || null
    }
    async function send(method, path, body, signed, signal) {
      const headers = {}
      const form = body instanceof FormData
      if (body !== undefined && !form) headers['Content-Type'] = 'application/json'
      if (signed) headers.Authorization = `Bearer ${token}`
      let reply
      try {
        reply = await fetch(root + path, { method, headers, signal, credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer', body: body === undefined || form ? body : JSON.stringify(body) })
      } catch (error) {
        if (error.name === 'AbortError') throw error
        throw new Refused(0, 'unreachable', '')
      }
      if (reply.ok) return reply
      const problem = await reply.json().catch(() => ({}))
      throw new Refused(reply.status, problem.code || '', problem.detail || '', Number(reply.headers.get('Retry-After')))
    }
    async function session() {
      const body = {}
      const known = identity ? await identity() : null
      if (known) body.token = known
      else if (kept().resume) body.resume = kept().resume
      let reply = await (await send('POST', 'session', body)).json()
      if (reply.challenge) {
        const { task, bits } = reply.challenge
        reply = await (await send('POST', 'session', { ...body, challenge: { task, solution: await solve(task, bits) } })).json()
        if (!reply.token) throw new Refused(429, 'limit-reached', '')
      }
      token = reply.token
      ends = Date.now() + reply.expires_in * 1000
      keep({ resume: reply.resume || undefined })
      return reply
    }
    function begin() {
      if (!beginning) beginning = session().finally(() => { beginning = null })
      return beginning
    }
    async function call(method, path, body, signal) {
      if (!token || Date.now() > ends - 20000) await begin()
      try {
        return await send(method, path, body, true, signal)
      } catch (error) {
        if (error.status !== 401) throw error
        await begin() // the visit may have ended meanwhile: once more, as somebody new
        return send(method, path, body, true, signal)
      }
    }
    async function* stream(reply) {
      const reader = reply.body.getReader()
      const decoder = new TextDecoder()
      let rest = ''
      for (;;) {
        const { done, value } = await reader.read()
        if (done) throw new Refused(0, 'unreachable', '')
        const parts = (rest + decoder.decode(value, { stream: true })).split('\n\n')
        rest = parts.pop()
        for (const part of parts) {
          const data = part.split('\n').filter((line) => line.startsWith('data: ')).map((line) => line.slice(6)).join('\n')
          if (data === '[DONE]') return
          if (data) yield JSON.parse(data)
        }
      }
    }
    return {
      look: async () => (await send('GET', 'look')).json(),
      begin, call, stream, kept, keep,
      identify(found) {
        identity = typeof found === 'function' ? found : async () => found
        token = null
      },
    }
  }

  // A number whose SHA-256 together with the task begins with so many zero bits; see the challenge of the server.
  async function solve(task, bits) {
    const K = constants()
    for (let n = 0; ; n++) {
      if (n % 2000 === 1999) await new Promise((resolve) => setTimeout(resolve))
      if (Math.clz32(sha256(`${task}:${n}`, K)) >= bits) return String(n)
    }
  }

  // The constants of SHA-256; made when they are needed, since the page's own realm must not run this.
  function constants() {
    const found = []
    for (let n = 2; found.length < 64; n++) {
      let prime = true
      for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false
      if (prime) found.push(n)
    }
    const part = (n, power) => (Math.pow(n, power) % 1) * 4294967296 | 0
    return { round: found.map((n) => part(n, 1 / 3)), begin: found.slice(0, 8).map((n) => part(n, 1 / 2)) }
  }

  // The first 32 bits of SHA-256 of a text in ASCII, as a signed number.
  function sha256(text, K) {
    const size = ((text.length + 8) >> 6) + 1
    const words = new Int32Array(size * 16)
    for (let i = 0; i < text.length; i++) words[i >> 2] |= text.charCodeAt(i) << (24 - (i % 4) * 8)
    words[text.length >> 2] |= 128 << (24 - (text.length % 4) * 8)
    words[size * 16 - 1] = text.length * 8
    const turn = (x, n) => (x >>> n) | (x << (32 - n))
    const h = Int32Array.from(K.begin)
    const w = new Int32Array(64)
    for (let block = 0; block < size; block++) {
      for (let i = 0; i < 64; i++) {
        if (i < 16) w[i] = words[block * 16 + i]
        else {
          const a = w[i - 15]
          const b = w[i - 2]
          w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[i - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10))
        }
      }
      let [a, b, c, d, e, f, g, z] = h
      for (let i = 0; i < 64; i++) {
        const one = (z + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K.round[i] + w[i]) | 0
        const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
        z = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0
      }
      [a, b, c, d, e, f, g, z].forEach((value, i) => { h[i] += value })
    }
    return h[0]
  }

  // ------------------------------------------------------------------------------------------- the chat
  const PLAIN = { look: { title: 'Chat', scheme: 'auto', side: 'right' }, words: { questions: [] }, translations: {}, languages: ['en', 'de', 'fr', 'es', 'zh', 'ar'], question_characters: 2000 }

  async function start(boot) {
    const api = server(boot)
    let profile = PLAIN
    let trouble = null
    try { profile = boot.preview ? { ...PLAIN, ...JSON.parse(boot.preview) } : await api.look() } catch (error) { trouble = error }
    const language = choose(boot, profile.languages)
    const words = STRINGS[language]
    const ui = view(boot, profile, language, words)
    let shown = false
    let loaded = false
    let making = null

    const tell = (name, detail) => { for (const listener of boot.listeners[name] || []) { try { listener(detail) } catch (error) { console.error(error) } } }
    const sentence = (error) => ({ unreachable: trouble ? words.site : words.net, 'origin-refused': words.site, 'widget-off': words.off, 'limit-reached': words.slow, overloaded: words.slow, 'visitor-refused': profile.anonymous === false ? error.message : words.signin })[error.code] || error.message || words.net

    function fail(error) {
      ui.alert(sentence(error))
      tell('error', { code: error.code || 'unknown' })
      console.warn(`Inhouse chat: ${error.code || error}`)
    }
    async function load() {
      if (loaded) return
      loaded = true
      ui.welcome()
      if (boot.preview) return
      if (trouble) { fail(trouble); return }
      try {
        const began = await api.begin()
        for (const turn of began.turns) {
          ui.mine(turn.question)
          const box = ui.answer(turn.id)
          if (turn.answer) box.finish(turn.answer, turn.rating)
          else if (turn.status === 'running') await read(api.call('GET', `streams/${turn.id}`), box).catch((error) => box.lost(sentence(error)))
          else box.lost(words.net)
        }
        if (profile.attachments && began.turns.length) void settled().catch(() => {})
      } catch (error) { loaded = false; fail(error) }
    }
    // Files are read by the server in its own time; what is asked meanwhile waits for them.
    async function files() {
      const found = (await (await api.call('GET', 'files')).json()).files
      ui.files(found)
      return found
    }
    async function settled(box) {
      for (let n = 0; profile.attachments && n < 120; n++) {
        if (!(await files()).some((one) => one.status === 'queued' || one.status === 'running')) return
        if (making && making.stop.signal.aborted) return
        if (box) box.wait(words.reading)
        await new Promise((resolve) => setTimeout(resolve, 500))
      }
    }
    // A server that is full just now is asked again when it says so; a limit that is used up is not.
    async function patient(request, box, stopped) {
      for (let n = 0; ; n++) {
        try { return await request() } catch (error) {
          if (error.code !== 'overloaded' || n >= 5 || stopped.aborted) throw error
          box.wait(words.thinking)
          await new Promise((resolve) => setTimeout(resolve, Math.max(1, error.after) * 1000 * (1 + Math.random() / 2)))
        }
      }
    }
    async function read(request, box) {
      const reply = await request
      for await (const event of api.stream(reply)) {
        if (event.turn) { box.id = event.turn; if (making) making.turn = event.turn }
        if (event.text) box.add(event.text, event.citations || [])
        if (event.queue) box.wait(words.queue.replace('{n}', event.queue))
        if (event.notice) box.notice(event.notice)
        if (event.error) throw new Refused(500, '', event.error.message)
        if (event.answer) { box.finish(event.answer, null); tell('answer', { turn: box.id }) }
      }
    }
    async function ask(question) {
      question = String(question).trim().slice(0, profile.question_characters)
      if (!question || making) return
      open()
      await load()
      ui.mine(question)
      const box = ui.answer(null)
      if (boot.preview) { box.finish({ text: words.preview, citations: [], nearest: [], suggestions: [] }, null); return }
      making = { stop: new AbortController(), turn: null }
      ui.busy(true)
      tell('question', {})
      try {
        await settled(box)
        const signal = making.stop.signal
        await read(patient(() => api.call('POST', 'ask', { question }, signal), box, signal), box)
      } catch (error) {
        if (error.name === 'AbortError') box.lost(words.stopped)
        else { box.lost(sentence(error)); tell('error', { code: error.code || 'unknown' }) }
      } finally {
        making = null
        ui.busy(false)
      }
    }
    function open() {
      if (shown) return
      shown = true
      ui.show(true)
      api.keep({ open: true })
      void load()
      tell('open', {})
    }
    function close() {
      if (!shown) return
      shown = false
      ui.show(false)
      api.keep({ open: false })
      tell('close', {})
    }
    ui.wire({
      open, close, ask,
      toggle: () => (shown ? close() : open()),
      stop() {
        if (!making) return
        if (making.turn) api.call('POST', `streams/${making.turn}/stop`).catch(() => making && making.stop.abort())
        else making.stop.abort()
      },
      async again() {
        try {
          if (!boot.preview) await api.call('POST', 'reset')
          ui.clear()
          ui.files([])
        } catch (error) { fail(error) }
      },
      async rate(turn, rating) {
        await api.call('PUT', `turns/${turn}/feedback`, { rating })
        tell('feedback', { turn, rating })
      },
      async attach(file) {
        if (boot.preview) return
        if (file.size > profile.attachments.max_megabytes * 1e6) throw new Refused(413, '', words.large.replace('{n}', profile.attachments.max_megabytes))
        const form = new FormData()
        form.append('files', file, file.name)
        const reply = await (await api.call('POST', 'files', form)).json()
        ui.files(reply.files)
        if (reply.refused.length) throw new Refused(422, '', reply.refused[0].reason)
        void settled().catch(() => {})
      },
      async detach(id) {
        await api.call('POST', `files/${id}/remove`)
        await files()
      },
      async decide(call, allowed) {
        const reply = await (await api.call('POST', `approvals/${call.id}/${allowed ? 'approve' : 'refuse'}`)).json()
        tell('decision', { turn: reply.turn.id, allowed })
        return reply.turn
      },
      async handOver(contact, note) {
        if (boot.preview) return true
        const reply = await (await api.call('POST', 'hand-over', { contact, note })).json()
        tell('handover', { id: reply.id })
        return reply.people_there
      },
      sentence,
    })
    boot.api = { open, close, ask, identify: (found) => { api.identify(found); loaded = false; ui.clear(); if (shown) void load() } }
    for (const [name, args] of boot.calls.splice(0)) boot.api[name](...args)
    if (!shown && (boot.inline || boot.preview || api.kept().open)) { // without taking the focus from the page
      shown = true
      ui.show(true, true)
      void load()
    }
    tell('ready', {})
  }

  function choose(boot, offered) {
    const wanted = boot.lang ? [boot.lang] : [boot.page.documentElement.lang, ...(navigator.languages || [])]
    const found = wanted.map((one) => String(one || '').toLowerCase().split('-')[0]).find((one) => offered.includes(one))
    return found || offered[0] || 'en'
  }

  // ------------------------------------------------------------------------------------------- what one sees
  function view(boot, profile, language, words) {
    const look = profile.look
    const said = { ...profile.words, ...(profile.translations[language] || {}) }
    const scheme = boot.scheme || look.scheme
    const small = window.matchMedia ? boot.view.matchMedia('(max-width:520px)') : { matches: false }
    dress(boot, look)
    let acts = {}
    let focusBefore = null

    const button = (name, label, act, props) => make('button', { type: 'button', 'aria-label': label, title: label, on: { click: act }, ...props }, icon(name))
    const log = make('div', { class: 'log', tabindex: '0', role: 'region', 'aria-label': words.log })
    const status = make('div', { class: 'quiet', role: 'status' })
    const input = make('textarea', { rows: '1', 'aria-label': words.ask, placeholder: words.ask, maxlength: String(profile.question_characters), autocomplete: 'off' })
    const sendButton = make('button', { class: 'main', type: 'submit', 'aria-label': words.send, title: words.send }, icon('send'))
    const chosen = profile.attachments ? make('input', { type: 'file', hidden: true, 'aria-label': words.attach, accept: profile.attachments.endings.map((one) => `.${one}`).join(',') }) : null
    const clip = chosen ? make('button', { type: 'button', class: 'clip', 'aria-label': words.attach, title: words.attach, on: { click: () => chosen.click() } }, icon('clip')) : null
    const list = make('ul', { class: 'files', hidden: true, 'aria-label': words.attach })
    const form = make('form', { class: 'ask' }, clip, chosen, input, sendButton)
    if (chosen) chosen.addEventListener('change', async () => {
      const file = chosen.files[0]
      chosen.value = ''
      if (!file) return
      clip.setAttribute('aria-disabled', 'true')
      announce(`${file.name}: ${words.reading}`)
      try { await acts.attach(file) } catch (error) { log.append(make('p', { class: 'alert', role: 'alert', text: acts.sentence(error) })); bottom() }
      clip.removeAttribute('aria-disabled')
    })
    const closeButton = boot.inline ? null : button('close', words.close, () => acts.close())
    const personButton = profile.hand_over ? button('person', words.person, () => handOver()) : null
    const header = make('header', {}, make('h2', { id: 'title', text: look.title }), personButton, button('again', words.again, () => acts.again()), closeButton)
    const panel = make('section', { class: 'panel', id: 'panel', role: boot.inline ? 'region' : 'dialog', 'aria-labelledby': 'title', hidden: !boot.inline },
      header, log, list, form, said.disclaimer ? make('p', { class: 'disclaimer', text: said.disclaimer }) : null, status)
    const bubble = boot.inline ? null : make('button', { class: 'bubble', type: 'button', 'aria-label': words.open, 'aria-expanded': 'false', 'aria-controls': 'panel', on: { click: () => acts.toggle() } }, icon('chat'))
    const all = make('div', { class: `all ${boot.inline ? 'inline' : 'float'} ${(boot.side || look.side) === 'left' ? 'left' : ''}`, dir: language === 'ar' ? 'rtl' : 'ltr', lang: language }, panel, bubble)
    boot.root.append(all)
    colour()

    function colour() {
      const night = boot.view.matchMedia('(prefers-color-scheme:dark)')
      const set = () => all.classList.toggle('dark', scheme === 'dark' || (scheme === 'auto' && night.matches))
      set()
      night.addEventListener('change', set)
    }
    const announce = (text) => { status.textContent = text }
    const bottom = () => { log.scrollTop = log.scrollHeight }
    const near = () => log.scrollHeight - log.scrollTop - log.clientHeight < 80

    all.addEventListener('keydown', (event) => {
      event.stopPropagation() // the page's shortcuts are not meant for what a visitor types here
      if (event.key === 'Escape') {
        const sheet = panel.querySelector('.sheet')
        if (sheet) sheet.back()
        else if (!boot.inline) acts.close()
      } else if (event.key === 'Tab' && small.matches && !boot.inline) keepInside(event)
    })
    for (const kind of ['keyup', 'keypress', 'input', 'paste', 'change', 'submit']) all.addEventListener(kind, (event) => event.stopPropagation())
    input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit() }
    })
    input.addEventListener('input', () => { input.style.height = 'auto'; input.style.height = `${Math.min(input.scrollHeight + 2, 130)}px` })
    form.addEventListener('submit', (event) => { event.preventDefault(); submit() })
    let busy = false

    function submit() {
      if (busy) { acts.stop(); return }
      const question = input.value
      if (!question.trim()) return
      input.value = ''
      input.style.height = 'auto'
      void acts.ask(question)
    }
    function keepInside(event) {
      const able = [...(panel.querySelector('.sheet') || panel).querySelectorAll('button,textarea,input,[tabindex="0"]')].filter((one) => one.getClientRects().length)
      const at = able.indexOf(boot.root.activeElement)
      if (event.shiftKey ? at <= 0 : at === able.length - 1) { event.preventDefault(); able[event.shiftKey ? able.length - 1 : 0].focus() }
    }
    function sheet(title, ...children) {
      const before = boot.root.activeElement
      const box = make('div', { class: 'sheet', role: 'dialog', 'aria-modal': 'true', 'aria-label': title }, make('h3', { text: title }), ...children)
      box.back = () => { box.remove(); if (before) before.focus() }
      panel.append(box)
      const first = box.querySelector('input,button,[tabindex="0"]')
      if (first) first.focus()
      return box
    }
    function quote(one, label) {
      const where = [one.page ? `${words.page} ${one.page}` : '', one.heading].filter(Boolean).join(' · ')
      const back = make('button', { type: 'button', class: 'plain', text: words.back, on: { click: () => box.back() } })
      const box = sheet(label, make('strong', { text: one.title }), where ? make('p', { class: 'note', text: where }) : null,
        make('blockquote', { text: one.quote }), make('div', { class: 'row' }, back))
    }
    function handOver() {
      const contact = make('input', { type: 'text', maxlength: '320', autocomplete: 'email', required: true })
      const note = make('textarea', { rows: '4', maxlength: '4000' })
      const wrong = make('p', { class: 'alert', role: 'alert', hidden: true })
      const go = make('form', {}, make('label', {}, words.contact, contact), make('label', {}, words.note, note), wrong,
        make('div', { class: 'row' }, make('button', { type: 'button', class: 'plain', text: words.back, on: { click: () => box.back() } }), make('button', { class: 'main', type: 'submit', text: words.send })))
      go.addEventListener('submit', async (event) => {
        event.preventDefault()
        try {
          const there = await acts.handOver(contact.value, note.value)
          box.back()
          const text = there ? words.passed : `${words.passed} ${words.away}`
          log.append(make('p', { class: 'note', text }))
          announce(text)
          bottom()
        } catch (error) {
          wrong.textContent = acts.sentence(error)
          wrong.hidden = false
        }
      })
      const box = sheet(words.person, profile.people_there === false ? make('p', { class: 'note', text: words.away }) : null, go)
    }
    function questions(list) {
      if (!list || !list.length) return null
      return make('div', { class: 'questions' }, ...list.map((text) => make('button', { type: 'button', text, on: { click: () => acts.ask(text) } })))
    }
    function welcome() {
      if (said.greeting) {
        const box = make('div', { class: 'bot' })
        const text = make('div', { class: 'text' })
        text.append(markdown(said.greeting, { cite: () => null, words }))
        box.append(text)
        log.append(box)
      }
      const offered = questions(said.questions)
      if (offered) log.append(offered)
    }
    function answer(id) {
      const text = make('div', { class: 'text' })
      const wait = make('p', { class: 'note dots', text: words.thinking.replace('…', '') })
      const tools = make('div', { class: 'tools' })
      const node = make('article', { class: 'bot', 'aria-label': words.bot, 'aria-busy': 'true' }, text, wait, tools)
      log.append(node)
      bottom()
      let whole = ''
      let cited = []
      let drawing = false
      const around = [] // what stands with the whole answer
      const put = (one, before) => { around.push(one); node.insertBefore(one, before) }
      const context = { words, cite(n) {
        const one = cited.find((other) => other.n === n)
        const label = one && `${words.source} ${n}: ${one.title}`
        return one ? make('button', { type: 'button', class: 'cite', text: String(n), 'aria-label': label, title: label, on: { click: () => quote(one, `${words.source} ${n}`) } }) : null
      } }
      const draw = () => {
        drawing = false
        const follow = near()
        text.replaceChildren(markdown(whole, context))
        if (follow) bottom()
      }
      const done = () => { wait.remove(); node.setAttribute('aria-busy', 'false') }
      const aside = (list, label) => make('div', { class: 'sources', role: 'group', 'aria-label': label }, ...list.map((one) => make('button', { type: 'button', text: one.n ? `${one.n} · ${one.title}` : one.title, on: { click: () => quote(one, one.n ? `${words.source} ${one.n}` : label) } })))
      return {
        id,
        add(more, citations) {
          whole += more
          cited = cited.concat(citations)
          wait.remove()
          if (!drawing) { drawing = true; requestAnimationFrame(draw) }
        },
        wait(sentence) { wait.textContent = sentence },
        notice(sentence) { node.insertBefore(make('p', { class: 'note', text: sentence }), tools) },
        lost(sentence) { done(); node.insertBefore(make('p', { class: 'alert', text: sentence }), tools); announce(sentence); bottom() },
        finish(found, rating) {
          drawing = true // a drawing that is on its way would bring back what came before
          tools.replaceChildren()
          for (const one of around.splice(0)) one.remove() // an answer goes on when a call was decided
          whole = found.text
          cited = found.citations
          draw()
          done()
          if (cited.length) put(aside(cited, words.sources), tools)
          if (found.nearest.length) put(aside(found.nearest, words.nearest), tools)
          const remark = found.stopped ? words.stopped : found.notice || (cited.length && found.grounded === false ? words.unchecked : '')
          if (remark) put(make('p', { class: 'note', text: remark }), tools)
          for (const call of found.approvals || []) put(card(call, (turn) => { if (turn.answer) this.finish(turn.answer, turn.rating) }), tools)
          if (this.id) verdict(tools, this.id, rating)
          const more = questions(found.suggestions)
          if (more) put(more, null)
          const open = (found.approvals || []).some((call) => call.state === 'waiting')
          announce(`${words.bot}: ${text.textContent}${open ? ` ${words.may}` : ''}`)
        },
      }
    }
    // A call that waits for the visitor, to the letter: what is not shown cannot be allowed.
    function card(call, decided) {
      const rows = Object.entries(call.arguments).flatMap(([name, value]) => [make('dt', { text: name }), make('dd', { text: typeof value === 'string' ? value : JSON.stringify(value, null, 1) })])
      const waits = call.state === 'waiting'
      const said = make('p', { class: 'note', text: waits ? '' : words[call.state] || call.state })
      const box = make('div', { class: 'call', role: 'group', 'aria-label': `${words.may} ${call.skill}`, tabindex: '-1' },
        make('strong', { text: waits ? words.may : call.skill }), waits ? make('p', { text: call.skill }) : null, make('dl', {}, ...rows))
      if (waits) {
        let busy = false
        const both = [false, true].map((allowed) => make('button', { type: 'button', class: allowed ? 'main' : 'plain', text: allowed ? words.allow : words.deny, on: { click: async () => {
          if (busy) return
          busy = true
          for (const one of both) one.setAttribute('aria-disabled', 'true')
          said.textContent = words.running
          try {
            const turn = await acts.decide(call, allowed)
            decided(turn)
            input.focus() // the button that had the focus is gone
          } catch (error) {
            busy = false
            for (const one of both) one.removeAttribute('aria-disabled')
            said.textContent = acts.sentence(error)
            announce(said.textContent)
          }
        } } }))
        box.append(make('div', { class: 'row' }, ...both))
      }
      box.append(said)
      return box
    }
    function verdict(tools, turn, rating) {
      const thanks = make('span', {})
      const both = ['good', 'bad'].map((name) => {
        const value = name === 'good' ? 'up' : 'down'
        const one = button(name, words[name], async () => {
          const next = one.getAttribute('aria-pressed') === 'true' ? null : value
          try {
            await acts.rate(turn, next)
            for (const other of both) other.setAttribute('aria-pressed', String(other === one && next !== null))
            thanks.textContent = next ? words.thanks : ''
            announce(thanks.textContent)
          } catch (error) { thanks.textContent = acts.sentence(error) }
        }, { 'aria-pressed': String(rating === value) })
        return one
      })
      tools.append(...both, thanks)
    }
    return {
      wire(found) { acts = found },
      files(found) {
        list.hidden = !found.length
        const at = boot.root.activeElement
        const before = at && list.contains(at)
        list.replaceChildren(...found.map((one) => make('li', {}, make('span', { text: one.name }), make('small', { text: { ready: words.read, failed: one.reason || words.failed, cancelled: words.failed }[one.status] || words.reading }),
          button('close', `${words.remove}: ${one.name}`, () => acts.detach(one.id).catch((error) => announce(acts.sentence(error)))))))
        if (before) input.focus()
      },
      welcome,
      answer,
      mine(text) { log.append(make('div', { class: 'me', role: 'group', 'aria-label': words.you, text })); bottom() },
      alert(text) { log.append(make('p', { class: 'alert', role: 'alert', text })); bottom() },
      clear() { log.replaceChildren(); welcome() },
      busy(now) {
        busy = now
        sendButton.replaceChildren(icon(now ? 'stop' : 'send'))
        for (const name of ['aria-label', 'title']) sendButton.setAttribute(name, now ? words.stop : words.send)
      },
      show(now, quietly) {
        panel.hidden = !now
        all.classList.toggle('shown', now)
        if (small.matches && !boot.inline) panel.setAttribute('aria-modal', String(now))
        if (bubble) {
          bubble.setAttribute('aria-expanded', String(now))
          bubble.setAttribute('aria-label', now ? words.close : words.open)
          bubble.replaceChildren(icon(now ? 'close' : 'chat'))
        }
        if (quietly) return
        if (now) { focusBefore = boot.page.activeElement; input.focus() } else if (bubble) {
          bubble.focus()
          if (focusBefore && focusBefore !== boot.root.host && focusBefore !== boot.page.body && focusBefore.focus) focusBefore.focus()
        }
      },
    }
  }

  // Style sheets by constructor: a strict Content-Security-Policy has nothing against them.
  function dress(boot, look) {
    const rules = []
    if (/^#[0-9a-f]{6}$/i.test(look.accent || '')) rules.push(`--pa:${look.accent}`, `--po:${readable(look.accent)}`)
    if (/^#[0-9a-f]{6}$/i.test(look.background || '')) rules.push(`--pb:${look.background}`)
    if (/^#[0-9a-f]{6}$/i.test(look.text || '')) rules.push(`--pt:${look.text}`)
    const text = `${STYLE}:host{${rules.join(';')}}`
    try {
      const sheet = new boot.view.CSSStyleSheet()
      sheet.replaceSync(text)
      boot.root.adoptedStyleSheets = [sheet]
    } catch {
      boot.root.append(make('style', { text }))
    }
  }

  function readable(colour) {
    const part = (at) => {
      const value = parseInt(colour.slice(at, at + 2), 16) / 255
      return value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4)
    }
    const light = 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    return 1.05 / (light + 0.05) > (light + 0.05) / 0.05 ? '#ffffff' : '#000000'
  }

  begin()
})()
