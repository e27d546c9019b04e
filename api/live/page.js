// As old phones know it. What is shown comes in words; this only puts them where they belong.
(function () {
  var EVERY = 5000, failed = 0;

  function at(id) { return document.getElementById(id); }

  function put(id, text) {
    var element = at(id), row = at(id + '-row') || element;
    if (element.textContent !== (text || '')) element.textContent = text || '';
    row.hidden = !text;
  }

  function putPeople(people) {
    var list = at('coming'), i, line, name, how;
    while (list.firstChild) list.removeChild(list.firstChild);
    for (i = 0; i < people.length; i++) {
      line = document.createElement('li');
      name = document.createElement('b');
      how = document.createElement('span');
      name.textContent = people[i].name;
      how.textContent = people[i].how;
      line.appendChild(name);
      line.appendChild(how);
      list.appendChild(line);
    }
    list.hidden = !people.length;
    at('nobody').hidden = !!people.length;
  }

  function showEnd(view) {
    put('over-headline', view.headline);
    put('over-lede', view.lede);
    at('ring').hidden = !view.well;
    document.title = view.headline;
    at('open').hidden = true;
    at('over').hidden = false;
  }

  function show(view) {
    var words = ['headline', 'lede', 'since', 'place', 'signal', 'battery', 'said'], i;
    var stations = at('way').children, map = at('map');
    for (i = 0; i < words.length; i++) put(words[i], view[words[i]]);
    put('place-note', view.place_note);
    putPeople(view.coming);
    map.hidden = !view.geo;
    if (view.geo) map.setAttribute('href', view.geo);
    for (i = 0; i < stations.length; i++) {
      stations[i].className = i < view.reached ? 'done' : i === view.reached ? 'here' : '';
    }
    at('open').className = view.reached < 2 ? 'waits' : '';
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
    if (view.over) return showEnd(view);
    show(view);
    setTimeout(ask, EVERY);
  }

  function ask() {
    if (document.hidden) return setTimeout(ask, 1000);
    var request = new XMLHttpRequest();
    request.open('GET', location.pathname + '.json');
    request.timeout = 15000;
    request.onload = function () { take(request.responseText); };
    request.onerror = request.ontimeout = again;
    request.send();
  }

  ask();
})();
