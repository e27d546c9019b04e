// As old phones know it. What is shown comes in words; a page only puts them where they belong.
var page = (function () {
  var EVERY = 5000, failed = 0, show, showEnd;

  function at(id) { return document.getElementById(id); }

  function put(id, text) {
    var element = at(id), row = at(id + '-row') || element;
    if (element.textContent !== (text || '')) element.textContent = text || '';
    row.hidden = !text;
  }

  function putWay(reached) {
    var stations = at('way').children, i;
    for (i = 0; i < stations.length; i++) {
      stations[i].className = i < reached ? 'done' : i === reached ? 'here' : '';
    }
  }

  function putEnd(view) {
    put('over-headline', view.headline);
    put('over-lede', view.lede);
    at('ring').hidden = !view.well;
    document.title = view.headline;
    at('open').hidden = true;
    at('over').hidden = false;
  }

  function again() {
    failed++;
    at('offline').hidden = failed < 2;
    setTimeout(ask, Math.min(EVERY * failed, 60000));
  }

  function take(text) {
    var view = null;
    try { view = JSON.parse(text); } catch (unreadable) { /* asked again */ }
    if (!view || !view.headline) return again();
    failed = 0;
    at('offline').hidden = true;
    if (view.over) return putEnd(view);
    show(view);
    setTimeout(ask, EVERY);
  }

  function ask() {
    if (document.hidden) return setTimeout(ask, 1000);
    var request = new XMLHttpRequest();
    request.open('GET', location.pathname + '.json');
    request.timeout = 15000;
    request.onload = function () {
      // It was taken back meanwhile: the page that says so asks for nothing more.
      if (request.status === 404) return location.reload();
      take(request.responseText);
    };
    request.onerror = request.ontimeout = again;
    request.send();
  }

  return {
    at: at,
    put: put,
    putWay: putWay,
    watch: function (whileOpen) { show = whileOpen; ask(); }
  };
})();
