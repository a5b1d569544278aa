// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Arrays that people connect by iSCSI. Facts from others' public tables and
 * guides are mapped to our options like this:
 *
 * - path grouping: by priority (ALUA) and all in one group are what we do
 *   without being told, by the access that the unit shows. One path a group is
 *   failover-only.
 * - failback: "immediate" is our default. A number of seconds is kept.
 * - no_path_retry N, at multipathd's interval of 5 s: no_path_timeout = 5 N s,
 *   never below our default. "queue" (for ever) is 5min: whoever waits gets an
 *   answer, and a controller's restart fits in.
 *
 * A row sets what its array needs and nothing else, because it goes before the
 * user's own global settings.
 *
 * Fence: "verified" is what tests have shown on that target. For others SAM-5
 * 7.7 promises it (LOGICAL UNIT RESET aborts all commands of every I_T nexus),
 * unless several targets serve the unit and do not tell each other.
 */
#include "hardware.h"

#define HWTABLE "multipath-tools 0.14.3, libmultipath/hwtable.c"

#define NONE HARDWARE_FENCE_NONE
#define ASSUMED HARDWARE_FENCE_ASSUMED
#define VERIFIED HARDWARE_FENCE_VERIFIED

/* The order counts: a special row stands before the general one. */
static const struct hardware table[] = {
	{
		"tgt", "IET", "*",
		"", VERIFIED,
		"reinstatement, then LUN RESET; through another tgtd process on the "
		"same backing store it fences nothing. The old iSCSI Enterprise Target "
		"shows the same names",
		"IET/VIRTUAL-DISK", "none: the defaults",
	},
	{
		"Ceph iSCSI gateway", "LIO-ORG", "TCMU device*",
		"policy=failover-only failback=60s no_path_timeout=5min", NONE,
		"each gateway is a target of its own: its LUN RESET does not reach what "
		"waits in another one",
		"LIO-ORG/TCMU device", "docs.ceph.com, rbd/iscsi-initiator-linux",
	},
	{
		"LIO, targetcli", "LIO-ORG|SUSE", "*",
		"no_path_timeout=60s", VERIFIED,
		"a login that takes a session's place is answered when that one's "
		"commands have ended",
		"LIO-ORG/disk1", HWTABLE,
	},
	{
		"istgt, FreeNAS before 9.3", "FreeBSD|NetBSD|OpenBSD", "iSCSI DISK*",
		"", ASSUMED,
		"istgt waits for its backend in reinstatement and LUN RESET; others "
		"that show these names were not tried",
		"FreeBSD/iSCSI DISK", "istgt 0.5, src/istgt_lu.c",
	},
	{
		"FreeBSD CTL", "FREEBSD", "CTLDISK*",
		"", ASSUMED,
		NULL,
		"FREEBSD/CTLDISK", "FreeBSD, ctl(4)",
	},
	{
		"TrueNAS, FreeNAS", "TrueNAS|FreeNAS", "iSCSI Disk*",
		"no_path_timeout=60s", ASSUMED,
		NULL,
		"TrueNAS/iSCSI Disk", HWTABLE " (its SCST row; TrueNAS SCALE is built on SCST)",
	},
	{
		"SCST, Open-E JovianDSS", "SCST_*", "*",
		"no_path_timeout=60s", ASSUMED,
		NULL,
		"SCST_BIO/lun0", HWTABLE,
	},
	{
		"Synology DSM", "SYNOLOGY", "*Storage*",
		"no_path_timeout=60s", ASSUMED,
		NULL,
		"SYNOLOGY/iSCSI Storage", HWTABLE " (its LIO row; DSM is built on LIO)",
	},
	{
		"QNAP QTS", "QNAP", "iSCSI Storage*",
		"no_path_timeout=60s", ASSUMED,
		NULL,
		"QNAP/iSCSI Storage", HWTABLE " (its LIO row; QTS is built on LIO)",
	},
	{
		"OSNEXUS QuantaStor", "OSNEXUS", "QUANTASTOR*",
		"no_path_timeout=60s", ASSUMED,
		NULL,
		"OSNEXUS/QUANTASTOR", HWTABLE " (its SCST row); wiki.osnexus.com, Multipath IO Configuration",
	},
	{
		"StarWind VSAN", "STARWIND", "STARWIND*",
		"", ASSUMED,
		"both nodes serve one unit: whether a LUN RESET at one ends what waits "
		"in the other was not tried",
		"STARWIND/STARWIND", "starwindsoftware.com, VSAN configuration guide",
	},
	{
		"Microsoft iSCSI Target Server", "MSFT", "Virtual HD*",
		"", ASSUMED,
		NULL,
		"MSFT/Virtual HD", "none: the defaults",
	},
	{
		"DataCore SANsymphony", "DataCore", "Virtual Disk*|SANmelody*",
		"no_path_timeout=5min", ASSUMED,
		"two mirrored servers: whether a LUN RESET at one ends what waits in "
		"the other was not tried",
		"DataCore/Virtual Disk", HWTABLE,
	},
	{
		"NetApp ONTAP", "NETAPP", "LUN*",
		"no_path_timeout=5min", ASSUMED,
		NULL,
		"NETAPP/LUN C-Mode", HWTABLE,
	},
	{
		"NetApp E-Series, EF-Series", "NETAPP|LSI|ENGENIO", "INF-01-00*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"NETAPP/INF-01-00", HWTABLE,
	},
	{
		"NetApp SolidFire", "SolidFir", "SSD SAN*",
		"no_path_timeout=120s", ASSUMED,
		NULL,
		"SolidFir/SSD SAN", HWTABLE,
	},
	{
		"Dell Unity, VNX", "DGC", "RAID*|DISK*|VRAID*",
		"no_path_timeout=5min", ASSUMED,
		NULL,
		"DGC/VRAID", HWTABLE,
	},
	{
		"Dell PowerStore", "DellEMC", "PowerStore*",
		"", ASSUMED,
		NULL,
		"DellEMC/PowerStore", HWTABLE " (15 s there: the default is longer)",
	},
	{
		"Dell PowerVault ME4, ME5", "DellEMC", "ME*",
		"", ASSUMED,
		NULL,
		"DellEMC/ME5", HWTABLE,
	},
	{
		"Dell PowerVault MD3", "DELL", "MD3*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"DELL/MD38xxi", HWTABLE,
	},
	{
		"Dell SC (Compellent)", "COMPELNT", "Compellent Vol*",
		"no_path_timeout=5min", ASSUMED,
		NULL,
		"COMPELNT/Compellent Vol", HWTABLE,
	},
	{
		"Dell EqualLogic PS", "EQLOGIC", "100E-00*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"EQLOGIC/100E-00", HWTABLE,
	},
	{
		"Dell PowerMax, VMAX", "EMC", "SYMMETRIX*",
		"no_path_timeout=30s", ASSUMED,
		NULL,
		"EMC/SYMMETRIX", HWTABLE,
	},
	{
		"Dell XtremIO", "XtremIO", "XtremApp*",
		"", ASSUMED,
		NULL,
		"XtremIO/XtremApp", HWTABLE,
	},
	{
		"HPE MSA", "HP|HPE", "MSA [12]0[4567]0 *",
		"no_path_timeout=90s", ASSUMED,
		NULL,
		"HPE/MSA 2060 iSCSI", HWTABLE,
	},
	{
		"HP P2000, MSA2000", "HP", "P2000*|MSA20*|MSA23*",
		"no_path_timeout=90s", ASSUMED,
		NULL,
		"HP/P2000 G3 iSCSI", HWTABLE,
	},
	{
		"HPE StoreVirtual (LeftHand)", "LEFTHAND", "P4000*|iSCSIDisk*",
		"no_path_timeout=90s", ASSUMED,
		NULL,
		"LEFTHAND/iSCSIDisk", HWTABLE,
	},
	{
		"HPE Nimble, Alletra 5000 and 6000", "Nimble", "Server*",
		"no_path_timeout=5min", ASSUMED,
		NULL,
		"Nimble/Server", HWTABLE,
	},
	{
		"HPE 3PAR, Primera, Alletra 9000", "3PARdata", "VV*",
		"no_path_timeout=90s", ASSUMED,
		NULL,
		"3PARdata/VV", HWTABLE,
	},
	{
		"Hitachi VSP, HPE XP", "HITACHI|HP|HPE", "OPEN-*",
		"no_path_timeout=50s", ASSUMED,
		NULL,
		"HITACHI/OPEN-V", HWTABLE,
	},
	{
		"Hitachi AMS 2000, HUS 100", "HITACHI", "DF600F*",
		"", ASSUMED,
		NULL,
		"HITACHI/DF600F", HWTABLE,
	},
	{
		"Hitachi AMS", "HITACHI", "DF*",
		"no_path_timeout=5min", ASSUMED,
		NULL,
		"HITACHI/DF700M", HWTABLE,
	},
	{
		"Hitachi VSP One SDS Block", "HITACHI", "Hi-SDS*",
		"no_path_timeout=30s", ASSUMED,
		NULL,
		"HITACHI/Hi-SDS", HWTABLE,
	},
	{
		"IBM FlashSystem, Storwize, SVC; Lenovo Storage V", "IBM", "2145*",
		"no_path_timeout=5min", ASSUMED,
		NULL,
		"IBM/2145", HWTABLE,
	},
	{
		"IBM DS3000, DS4000, DS5000, DCS3700",
		"IBM", "1722-600*|1724*|1726*|1742*|1746*|181[3458]*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"IBM/1746      FAStT", HWTABLE,
	},
	{
		"IBM XIV, FlashSystem A9000", "XIV|IBM", "NEXTRA*|2810XIV*",
		"failback=15s no_path_timeout=5min", ASSUMED,
		NULL,
		"IBM/2810XIV", HWTABLE,
	},
	{
		"Lenovo DE", "LENOVO", "DE_Series*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"LENOVO/DE_Series", HWTABLE,
	},
	{
		"Pure Storage FlashArray", "PURE", "FlashArray*",
		"", ASSUMED,
		NULL,
		"PURE/FlashArray", HWTABLE,
	},
	{
		"Huawei OceanStor V3 and later, Dorado",
		"HUAWEI|AnyStor|Marstor|NETPOSA|SanM|SUGON|UDsafe", "XSG1*",
		"no_path_timeout=75s", ASSUMED,
		NULL,
		"HUAWEI/XSG1", HWTABLE,
	},
	{
		"Huawei OceanStor before V3",
		"HUAWEI|HUASY|HS", "Dorado[25]*|HVS8*|S[23568]*|V1[568]*|VIS6000*",
		"no_path_timeout=75s", ASSUMED,
		NULL,
		"HUAWEI/S5600T", HWTABLE,
	},
	{
		"Infinidat InfiniBox", "NFINIDAT", "InfiniBox*",
		"no_path_timeout=5min", ASSUMED,
		NULL,
		"NFINIDAT/InfiniBox", HWTABLE,
	},
	{
		"Fujitsu ETERNUS DX, AF", "FUJITSU", "ETERNUS_DX*|E[234]000*",
		"no_path_timeout=50s", ASSUMED,
		NULL,
		"FUJITSU/ETERNUS_DXL", HWTABLE,
	},
	{
		"Fujitsu ETERNUS AB, HB", "FUJITSU", "ETERNUS_AHB*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"FUJITSU/ETERNUS_AHB", HWTABLE,
	},
	{
		"Oracle ZFS Storage, illumos COMSTAR",
		"SUN|NEXENTA", "Sun Storage*|ZFS Storage*|COMSTAR*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"SUN/ZFS Storage 7370", HWTABLE,
	},
	{
		"Oracle FS, Pillar Axiom", "Oracle|Pillar", "Oracle FS*|Axiom*",
		"", ASSUMED,
		NULL,
		"Oracle/Oracle FS", HWTABLE,
	},
	{
		"IntelliFlash (Tegile)", "TEGILE", "ZEBI-*|INTELLIFLASH*",
		"no_path_timeout=50s", ASSUMED,
		NULL,
		"TEGILE/ZEBI-ISCSI", HWTABLE,
	},
	{
		"Nexsan E-Series, SATABeast", "NEXSAN", "NXS-B0*|SATAB*",
		"no_path_timeout=75s", ASSUMED,
		NULL,
		"NEXSAN/NXS-B0", HWTABLE,
	},
	{
		"Nexsan Unity, NST", "Nexsan", "NestOS*|NST5000*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"Nexsan/NestOS", HWTABLE,
	},
	{
		"Infortrend EonStor", "IFT", "*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"IFT/DS 1000", HWTABLE,
	},
	{
		"Promise VTrak, Vess", "Promise", "VTrak*|Vess*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"Promise/VTrak E610f", HWTABLE,
	},
	{
		"Dot Hill AssuredSAN, R/Evolution, SANnet",
		"DotHill", "DH*|R/Evo*|SANnet*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"DotHill/DH4544", HWTABLE,
	},
	{
		"Seagate Exos, Nytro, Lyve", "SEAGATE", "STJX*|[456]*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"SEAGATE/4006", HWTABLE,
	},
	{
		"QSAN XCubeSAN, XCubeFAS", "Qsan", "*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"Qsan/XS5226", HWTABLE,
	},
	{
		"Quantum StorNext QXS", "Quantum", "StorNext QX*|QXS*",
		"no_path_timeout=90s", ASSUMED,
		NULL,
		"Quantum/QXS", HWTABLE,
	},
	{
		"DDN SFA, S2A", "DDN", "EF3015*|S2A*|SFA*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"DDN/SFA 7700", HWTABLE,
	},
	{
		"NEC M-Series", "NEC", "DISK ARRAY*",
		"", ASSUMED,
		NULL,
		"NEC/DISK ARRAY", HWTABLE,
	},
	{
		"AccelStor NeoSapphire", "AStor", "NeoSapphire*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"AStor/NeoSapphire", HWTABLE,
	},
	{
		"MacroSAN MS", "MacroSAN", "LU*",
		"no_path_timeout=150s", ASSUMED,
		NULL,
		"MacroSAN/LU", HWTABLE,
	},
	{
		"Inspur AS5300, AS5500", "INSPUR", "MCS*",
		"", ASSUMED,
		NULL,
		"INSPUR/MCS", HWTABLE,
	},
	{
		"Kaminario K2", "KMNRIO", "K2*",
		"", ASSUMED,
		NULL,
		"KMNRIO/K2", HWTABLE,
	},
	{
		"Acronis Cyber Infrastructure, Virtuozzo", "VSTORAGE", "VSTOR-DISK*",
		"no_path_timeout=5min", ASSUMED,
		NULL,
		"VSTORAGE/VSTOR-DISK", HWTABLE,
	},
};

const struct hardware *hardware_all(size_t *count)
{
	*count = sizeof(table) / sizeof(table[0]);
	return table;
}
