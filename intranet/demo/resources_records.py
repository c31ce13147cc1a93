"""Minutes, surveys, contract summaries, staff and money: what the offices record. Data only."""

from __future__ import annotations

from vault.levels import Level

from .resources import R

C = Level.CONFIDENTIAL
RECORDS = (
    R("十月处务会会议纪要", "other", "BG", "officer", """会议由顾怀瑾主持，各科负责人参加。议定事项：
一、小会议室收费自十一月起调整；二、供暖前完成换热站检修，维修科负责，十一月五日前完成；
三、食堂原料涨价由调剂基金补贴，菜价不动；四、冬季消防检查由办公室牵头，十一月底前完成。""",
      "会议纪要", source="minutes", days=25, issued=1, keywords="处务会 供暖 菜价", file="十月处务会纪要.docx"),
    R("供暖准备专题会议纪要", "maintenance", "WX", "officer_wx", """换热站三座已完成试压，北苑 4 号楼立管渗漏待更换。试运行自十一月八日开始，维修班二十四小时值守。
学生公寓暖气不热的报修按较急处理，四小时到场。""",
      "会议纪要", source="minutes", days=18, issued=1, keywords="供暖 换热站 试压"),
    R("食堂月度沟通会纪要（十月）", "other", "ST", "officer_st", """学生代表提出：早餐供应时间延长至 9:00，汤类增加品种，二楼空调偏冷。
答复：自下周起第一食堂早餐延长半小时；汤类每日两种；空调温度统一调为 24 摄氏度。""",
      "会议纪要", source="minutes", days=22, issued=2, keywords="早餐 学生代表 食堂"),
    R("学生食堂满意度调查报告", "other", "ST", "lead_st", """发放问卷 600 份，回收 547 份。总体满意度 82.6%，较上学期提高 3.1 个百分点。
满意度最高的是价格，最低的是高峰期排队。建议：增设自选称重窗口，错峰下课。""",
      "调查报告", source="survey", form="data", days=28, issued=4, keywords="满意度 问卷 排队", file="食堂满意度调查.xlsx"),
    R("公寓住宿条件问卷分析", "other", "SS", "officer_ss", """回收有效问卷 812 份。反映最多的是洗浴热水不稳定（31%）、网络信号弱（22%）、洗衣机不足（17%）。
已安排：热泵检修、增设洗衣机八台，网络问题转信息部门。""",
      "调查报告", source="survey", form="data", days=27, issued=6, keywords="住宿 热水 洗衣机 问卷"),
    R("维修服务回访统计（第三季度）", "maintenance", "WX", "dispatcher", """回访工单 318 件，满意 291 件，基本满意 19 件，不满意 8 件。
不满意原因：二次返修 4 件，到场迟 3 件，现场未清理 1 件，均已重新处理。平均完成时间 1.4 天。""",
      "统计报表", source="survey", form="data", days=35, issued=3, keywords="回访 满意 返修"),
    R("食材定点供应合同摘要", "contract", "CW", "officer_cw", """供应内容：米、面、油、肉、蛋、蔬菜。期限一年，按月结算，价格随市场信息每两周核定一次。
质量条款：每批次附检测报告，抽检不合格整批退货并扣除当批货款一成。履约情况：本季度退货两批，已扣款。""",
      "合同摘要", repository="CG", days=34, issued=60, review=140, keywords="食材 供应 结算 退货", file="食材供应合同摘要.pdf"),
    R("物业保洁服务合同摘要", "contract", "BG", "lead", """服务范围：教学楼、办公楼公共区域保洁，面积 8.6 万平方米。合同期两年，按季考核付款，考核低于 85 分扣减 5%。
第三季度考核 91 分，已付款。""",
      "合同摘要", repository="CG", days=33, issued=300, review=65, keywords="保洁 考核 付款"),
    R("电梯维保合同摘要", "contract", "CW", "lead_cw", """电梯二十三台，半月保养一次，年费按台计。困人到场时间不超过三十分钟，超时每次扣款 500 元。
合同将于明年二月到期，须在十二月启动比选。""",
      "合同摘要", repository="CG", days=32, issued=280, review=5, keywords="电梯 合同 到期 比选"),
    R("明年物资采购计划（草案）", "purchase", "CW", "officer_cw", """拟采购：灯具 1200 只、水暖配件 46 类、公寓床板 300 张、食堂炊具 18 套、劳保用品四季发放。
大额物资采用公开比选，零星物资由定点供应商供货。各科室于十二月十日前反馈意见。""",
      "统计报表", repository="CG", form="data", days=8, issued=1, keywords="采购计划 预算", file="采购计划草案.xlsx"),
    R("公寓家具采购比选结果", "purchase", "CW", "lead_cw", """参与单位三家，综合评分后确定供货单位，成交价低于预算 6.4%。评审记录、报价单与公示截图存档备查。""",
      "统计报表", repository="CG", days=31, issued=5, keywords="家具 比选 公示"),
    R("水暖配件库存月报（十月）", "purchase", "WX", "officer_wx", """库存 212 个品种，金额 18.7 万元。低于安全库存：DN25 球阀、6 分软管、红外感应龙头电池。
呆滞品种 14 个，建议调剂到新校区工地。""",
      "统计报表", form="data", days=21, issued=2, keywords="库存 配件", file="水暖配件库存月报.csv"),
    R("第三季度预算执行情况", "finance", "CW", "lead_cw", """全年预算执行 71.8%，其中维修费 68.2%、能源费 74.9%、食堂补贴 70.5%。
能源费执行偏快，主要因九月高温。第四季度须控制零星维修支出。""",
      "统计报表", C, form="data", days=30, issued=2, keywords="预算 执行 能源费", file="预算执行情况.xlsx"),
    R("差旅与零星支出报销流程", "finance", "CW", "officer_cw", """填写报销单并粘贴票据 → 部门负责人审批 → 财务科审核 → 分管领导审批 → 支付。
单笔五千元以上须附合同或者比价单；申请人不得审批自己的报销。""",
      "服务指南", days=29, issued=120, review=90, keywords="报销 审批 票据"),
    R("后勤职工培训计划（本学期）", "personnel", "BG", "officer", """九月：消防器材使用；十月：食品安全与晨检；十一月：电工操作与触电急救；十二月：服务礼仪与沟通。
每次培训签到，缺勤补训，考核结果记入个人档案。""",
      "培训材料", days=40, issued=10, keywords="培训 签到 考核"),
    R("维修班安全培训课件", "personnel", "SDB", "lead_wx", """登高作业系好安全带，梯子与地面夹角约 75 度；停电作业验电、挂牌、专人看守；有限空间先通风再检测后作业。
案例：某校检修井气体中毒，违规进入、无人监护。""",
      "培训材料", days=39, issued=15, keywords="登高 触电 有限空间", file="安全培训课件.docx"),
    R("职工考勤汇总（十月）", "personnel", "BG", "lead", """在岗 126 人，出勤率 98.3%，病假 9 人次，事假 4 人次，加班集中在供暖检修与校庆保障。明细存办公室。""",
      "统计报表", C, form="data", days=20, issued=1, keywords="考勤 加班", file="考勤汇总.xlsx"),
    R("信息员与通讯员名册", "personnel", "BG", "officer", """各科室信息员一名，报办公室备案；绿化科、车辆科暂缺，由科长兼任。通讯员任职前须完成采编与保密培训。""",
      "统计报表", days=38, issued=30, review=-7, keywords="信息员 名册 备案"),
    R("校庆后勤保障总结", "other", "BG", "deputy", """保障用餐 1.2 万人次、用车 64 台次、会场 9 个。经验：提前两周踏勘、每个点位设联络员。
不足：停车引导人手不够，临时厕所标识不清。""",
      "调查报告", source="other", days=26, issued=7, keywords="校庆 保障 总结"),
    R("能源消耗统计与节能建议", "maintenance", "WX", "lead_wx", """本年前十个月用电 1420 万度、用水 68 万吨、用气 92 万立方米。教学楼夜间照明与公寓热水为主要节能点。
建议：公共走廊改声控灯，热泵错峰加热，每月公示各楼栋用量。""",
      "调查报告", form="data", days=15, issued=3, keywords="节能 用电 用水", file="能源消耗统计.xlsx"),
)  # fmt: skip
