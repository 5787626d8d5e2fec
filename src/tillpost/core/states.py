"""States by their names, as lower-case codes: the second half of ISO 3166-2.

Codes may stand for several states of the world (`wa` is Washington and Western
Australia), so a name is looked up in one country.
"""

from tillpost.core.places import plain

_STATES = {
    "us": """
al Alabama|Ala
ak Alaska
az Arizona|Ariz
ar Arkansas|Ark
ca California|Calif|Cal
co Colorado|Colo
ct Connecticut|Conn
de Delaware|Del
fl Florida|Fla
ga Georgia
hi Hawaii|Hawai'i
id Idaho
il Illinois|Ill
in Indiana|Ind
ia Iowa
ks Kansas|Kans
ky Kentucky
la Louisiana
me Maine
md Maryland
ma Massachusetts|Mass
mi Michigan|Mich
mn Minnesota|Minn
ms Mississippi|Miss
mo Missouri
mt Montana|Mont
ne Nebraska|Nebr|Neb
nv Nevada|Nev
nh New Hampshire
nj New Jersey
nm New Mexico
ny New York|New York State
nc North Carolina
nd North Dakota
oh Ohio
ok Oklahoma|Okla
or Oregon|Ore
pa Pennsylvania|Penn|Penna
ri Rhode Island
sc South Carolina
sd South Dakota
tn Tennessee|Tenn
tx Texas|Tex
ut Utah
vt Vermont
va Virginia
wa Washington|Wash|Washington State
wv West Virginia
wi Wisconsin|Wis
wy Wyoming|Wyo
dc District of Columbia|Washington DC|Washington D.C.
as American Samoa
gu Guam
mp Northern Mariana Islands
pr Puerto Rico
vi US Virgin Islands|U.S. Virgin Islands|Virgin Islands
aa Armed Forces Americas
ae Armed Forces Europe
ap Armed Forces Pacific
""",
    "ca": """
ab Alberta
bc British Columbia|Colombie-Britannique
mb Manitoba
nb New Brunswick|Nouveau-Brunswick
nl Newfoundland and Labrador|Newfoundland|Terre-Neuve-et-Labrador
ns Nova Scotia|Nouvelle-Écosse
nt Northwest Territories
nu Nunavut
on Ontario
pe Prince Edward Island|Île-du-Prince-Édouard
qc Québec
sk Saskatchewan
yt Yukon|Yukon Territory
""",
    "au": """
act Australian Capital Territory
nsw New South Wales
nt Northern Territory
qld Queensland
sa South Australia
tas Tasmania
vic Victoria
wa Western Australia
""",
    "de": """
bw Baden-Württemberg
by Bayern|Bavaria
be Berlin
bb Brandenburg
hb Bremen
hh Hamburg
he Hessen|Hesse
mv Mecklenburg-Vorpommern
ni Niedersachsen|Lower Saxony
nw Nordrhein-Westfalen|North Rhine-Westphalia
rp Rheinland-Pfalz|Rhineland-Palatinate
sl Saarland
sn Sachsen|Saxony
st Sachsen-Anhalt|Saxony-Anhalt
sh Schleswig-Holstein
th Thüringen|Thuringia
""",
    "br": """
ac Acre
al Alagoas
am Amazonas
ap Amapá
ba Bahia
ce Ceará
df Distrito Federal
es Espírito Santo
go Goiás
ma Maranhão
mg Minas Gerais
ms Mato Grosso do Sul
mt Mato Grosso
pa Pará
pb Paraíba
pe Pernambuco
pi Piauí
pr Paraná
rj Rio de Janeiro
rn Rio Grande do Norte
ro Rondônia
rr Roraima
rs Rio Grande do Sul
sc Santa Catarina
se Sergipe
sp São Paulo
to Tocantins
""",
    "mx": """
agu Aguascalientes
bcn Baja California
bcs Baja California Sur
cam Campeche
chh Chihuahua
chp Chiapas
cmx Ciudad de México|Mexico City|Distrito Federal
coa Coahuila|Coahuila de Zaragoza
col Colima
dur Durango
gro Guerrero
gua Guanajuato
hid Hidalgo
jal Jalisco
mex Estado de México|México|Mexico State
mic Michoacán|Michoacán de Ocampo
mor Morelos
nay Nayarit
nle Nuevo León
oax Oaxaca
pue Puebla
que Querétaro
roo Quintana Roo
sin Sinaloa
slp San Luis Potosí
son Sonora
tab Tabasco
tam Tamaulipas
tla Tlaxcala
ver Veracruz
yuc Yucatán
zac Zacatecas
""",
    "in": """
an Andaman and Nicobar Islands
ap Andhra Pradesh
ar Arunachal Pradesh
as Assam
br Bihar
cg Chhattisgarh
ch Chandigarh
dh Dadra and Nagar Haveli and Daman and Diu
dl Delhi|New Delhi
ga Goa
gj Gujarat
hp Himachal Pradesh
hr Haryana
jh Jharkhand
jk Jammu and Kashmir
ka Karnataka
kl Kerala
la Ladakh
ld Lakshadweep
mh Maharashtra
ml Meghalaya
mn Manipur
mp Madhya Pradesh
mz Mizoram
nl Nagaland
od Odisha|Orissa
pb Punjab
py Puducherry|Pondicherry
rj Rajasthan
sk Sikkim
tn Tamil Nadu
tr Tripura
ts Telangana
uk Uttarakhand
up Uttar Pradesh
wb West Bengal
""",
}

_UNASKED = ("us", "ca", "au")
"""Whose state names are known where no country is given; no name is in two of them."""


def _state_names(table: str) -> dict[str, str]:
    rows = (line.split(" ", 1) for line in filter(None, table.splitlines()))
    return {plain(name): code for code, spelled in rows for name in spelled.split("|")}


_CODE_BY_STATE = {country: _state_names(table) for country, table in _STATES.items()}


def state_code(name: str, country: str | None) -> str | None:
    """The lower-case code of a state's spelled-out name in `country` (a lower-case code).

    None if the name is unknown or is a code already. With no country, the states of the
    United States, Canada and Australia are known.
    """
    key = plain(name)
    for candidate in (country,) if country else _UNASKED:
        code = _CODE_BY_STATE.get(candidate, {}).get(key)
        if code:
            return code
    return None
