"""Equipment records: manuals, inspection sheets, upkeep plans. Data only."""

from __future__ import annotations

from vault.levels import Level

from .resources import R

EQUIPMENT = (
    R("二次供水水箱清洗消毒操作规程", "maintenance", "WX", "officer_wx", """一、每半年清洗一次，提前两天告知停水时段。
二、放空水箱，人员持健康证、穿消毒胶靴入箱，箱外须有人监护。
三、刷洗内壁与底部，冲净后用含氯消毒液擦拭，静置三十分钟再冲洗两遍。
四、注水后取样送检，浊度、余氯、细菌总数合格方可恢复供水，检验报告张贴公示。""",
      "操作规程", repository="SB", issued=300, days=47, review=25, keywords="水箱 清洗 消毒 水质"),
    R("北苑配电房运行维护手册", "equipment", "SDB", "lead_wx", """配电房装有 630 千伏安干式变压器两台，低压柜八面，一路市电、一路发电机。
每日巡视记录电压、电流与绕组温度；温度超过 110 摄氏度减载，超过 130 摄氏度停用。
操作执行工作票与监护制度，倒闸顺序：先断负荷侧，后断电源侧。""",
      "设备说明书", repository="SB", issued=900, days=46, keywords="配电房 变压器 倒闸", file="配电房运行维护手册.pdf"),
    R("柴油发电机组使用说明", "equipment", "SDB", "electrician", """机组功率 200 千瓦，燃油箱可供满载运行六小时。启动前检查机油、冷却水、蓄电池电压。
空载预热三分钟后合闸；停机前卸载并怠速三分钟。每月试机一次，每次十五分钟，记录转速与油压。""",
      "设备说明书", repository="SB", issued=1100, days=45, review=8, keywords="发电机 试机"),
    R("学生公寓热水系统维护记录", "maintenance", "SDB", "plumber", """空气源热泵十二台，水箱四只。九月更换 2 号机组冷凝器风扇电机；十月清洗滤网；十一月校准温控探头。
出水温度保持 50 至 55 摄氏度。""",
      "操作规程", repository="SB", form="data", issued=8, days=12, keywords="热泵 热水", file="热水系统维护记录.xlsx"),
    R("明德楼电梯维保档案", "maintenance", "WX", "officer_wx", """客梯四台，由维保单位每半月保养一次，每年检验一次。上次检验结论合格，下次检验在明年三月。
本季度保养发现 2 号梯门机皮带磨损，已更换；4 号梯平层误差 12 毫米，已调整。""",
      "操作规程", repository="SB", issued=30, days=33, review=100, keywords="电梯 维保 年检"),
    R("食堂燃气报警装置说明书", "equipment", "YST", "cook", """燃气泄漏浓度达到爆炸下限的 20% 时报警，并联动切断阀门与启动排风。
每周按测试键一次，探头每年标定一次。报警后先关阀、开窗，不得开关电器。""",
      "设备说明书", repository="SB", issued=700, days=44, keywords="燃气 报警", file="燃气报警装置说明书.docx"),
    R("第一食堂冷库设备台账", "equipment", "YST", "officer_st", """冷冻库一间 40 立方米，零下 18 摄氏度；冷藏库两间各 30 立方米，0 至 4 摄氏度。
压缩机型号、购置年份与价值见附表。温度每两小时记录一次，除霜每天两次。""",
      "统计报表", repository="SB", form="data", issued=20, days=43, keywords="冷库 台账", file="冷库设备台账.xlsx"),
    R("洗碗机操作与保养卡", "equipment", "EST", "officer_st", """开机前注水加热至主洗 60 摄氏度、漂洗 85 摄氏度。餐具摆放朝同一方向。
收工后排水、清洗滤网与喷臂，每周除垢一次。""",
      "操作规程", repository="SB", issued=160, days=42, keywords="洗碗机"),
    R("校园路灯照明改造竣工资料", "equipment", "SDB", "electrician", """改造路灯 186 盏，更换为 60 瓦 LED 光源，按经纬度自动开关。竣工图纸、合格证与验收单存放于资料柜。""",
      "设备说明书", repository="SB", paper="GZ-2", issued=240, days=41, keywords="路灯 竣工图"),
    R("中央空调水处理操作规程", "maintenance", "WX", "officer_wx", """循环水每月检测一次酸碱度与电导率，投加缓蚀阻垢剂与杀菌剂。
冷却塔每年清洗两次，军团菌检测每年一次，结果存档。""",
      "操作规程", repository="SB", issued=330, days=40, review=-20, keywords="空调 冷却塔 军团菌"),
    R("绿化机械安全操作须知", "equipment", "LH", "lead_lh", """使用割草机须戴护目镜、穿劳保鞋，先清除石块再作业。加油时熄火并远离火源。
绿篱机不得单手持握，雨天停止使用带线设备。""",
      "操作规程", issued=210, days=39, keywords="割草机 绿篱机"),
    R("公务车辆技术档案汇总", "equipment", "CL", "driver", """在册车辆九辆，其中中型客车三辆、轿车四辆、货车两辆。各车里程、保险到期日与上次保养日期见附表。""",
      "统计报表", repository="SB", form="data", issued=6, days=10, review=55, keywords="车辆 保险", file="车辆技术档案.xlsx"),
    R("致远楼消防泵房巡检要点", "maintenance", "SDB", "plumber", """检查稳压泵启停压力、喷淋泵手动启动、水池液位与阀门开闭状态。
每月末端放水试验一次，压力不低于 0.05 兆帕。泵房钥匙在值班室。""",
      "操作规程", repository="SB", issued=85, days=38, keywords="消防泵 喷淋"),
    R("设备报废鉴定标准", "equipment", "WX", "lead_wx", """达到使用年限且维修费超过原值六成、主要部件停产无法修复、能耗或者安全指标不符合现行标准的，可以申请报废。
报废须由使用单位申请、维修科鉴定、财务科核销，残值上缴。""",
      "规章制度", repository="SB", issued=410, days=37, review=180, keywords="报废 鉴定 残值"),
    R("地下管网图集（北苑片区）", "equipment", "WX", "lead_wx", """给水、排水、热力与电力管沟走向图，比例 1:500，共十二张。动土施工前须查阅本图并现场核对。""",
      "设备说明书", Level.CONFIDENTIAL, repository="SB", paper="GZ-2", form="image", issued=600, days=36,
      keywords="管网 图纸 施工"),
)  # fmt: skip
